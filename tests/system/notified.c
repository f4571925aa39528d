/* notified PATH -- what a service tells systemd (sd_notify): a datagram socket at PATH, each message a line on stdout, the first
 * one "listening". Runs until its parent dies. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    char text[512];
    ssize_t len;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc != 2 || strlen(argv[1]) >= sizeof(at.sun_path))
        return 1;
    memcpy(at.sun_path, argv[1], strlen(argv[1]));
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
        return 1;
    puts("listening");
    fflush(stdout);
    while ((len = recv(fd, text, sizeof(text), 0)) >= 0) {
        printf("%.*s\n", (int)len, text);
        fflush(stdout);
    }
    return 1;
}
