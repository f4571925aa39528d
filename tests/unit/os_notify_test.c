#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/os_notify.h"

TestSuite(os_notify, .timeout = 60);

/* A datagram socket that systemd could have made; `name` with '@' is in the abstract namespace. */
static int listen_at(const char *name)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    size_t len = strlen(name);
    memcpy(at.sun_path, name, len);
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&at,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                 0);
    return fd;
}

static void hears(int fd, const char *want)
{
    char text[64];
    ssize_t len = recv(fd, text, sizeof text, MSG_DONTWAIT);
    cr_assert_eq(len, (ssize_t)strlen(want));
    cr_assert_arr_eq(text, want, strlen(want));
}

Test(os_notify, says_it_to_the_socket_of_the_environment)
{
    char path[64], abstract[64];
    snprintf(path, sizeof path, "/tmp/holdfast_notify_%d", (int)getpid());
    snprintf(abstract, sizeof abstract, "@holdfast_notify_%d", (int)getpid());
    int file = listen_at(path), name = listen_at(abstract);
    setenv("NOTIFY_SOCKET", path, 1);
    os_notify("READY=1");
    setenv("NOTIFY_SOCKET", abstract, 1);
    os_notify("STOPPING=1");
    hears(file, "READY=1");
    hears(name, "STOPPING=1");
    close(file);
    close(name);
    unlink(path);
}

Test(os_notify, without_one_nothing_happens)
{
    static char too_long[512];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[0] = '/';
    unsetenv("NOTIFY_SOCKET");
    os_notify("READY=1");
    setenv("NOTIFY_SOCKET", "nowhere", 1);
    os_notify("READY=1");
    setenv("NOTIFY_SOCKET", "/tmp/holdfast_nobody_is_here", 1);
    os_notify("READY=1");
    setenv("NOTIFY_SOCKET", too_long, 1);
    os_notify("READY=1");
}
