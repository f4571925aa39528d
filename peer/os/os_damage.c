#include "os/os_damage.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { DAMAGE_PATH_SIZE = 4096, DAMAGE_LINE_SIZE = DAMAGE_PATH_SIZE + 128 };

static const char damage_file[] = "/data.mdb";
static const char *const damage_marks[] = {
    [OS_DAMAGE_UNREADABLE] = "/unreadable", [OS_DAMAGE_CORRUPT] = "/corrupt"
};

/* ---- marks ---- */

/* No stdio, no memory: this runs in a signal handler. */
static bool damage_join(char *out, const char *folder, const char *name)
{
    size_t folder_len = strlen(folder), name_len = strlen(name);
    if (folder_len + name_len >= DAMAGE_PATH_SIZE)
        return false;
    memcpy(out, folder, folder_len);
    memcpy(out + folder_len, name, name_len + 1);
    return true;
}

static bool damage_has(const char *folder, enum os_damage damage)
{
    char path[DAMAGE_PATH_SIZE];
    return damage_join(path, folder, damage_marks[damage]) && access(path, F_OK) == 0;
}

static void damage_put(const char *folder, enum os_damage damage)
{
    char path[DAMAGE_PATH_SIZE];
    int fd = -1;
    if (damage_join(path, folder, damage_marks[damage]))
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return; /* a folder without its mark is tried as it is */
    (void)fsync(fd);
    (void)close(fd);
}

static void damage_remove(const char *folder, enum os_damage damage)
{
    char path[DAMAGE_PATH_SIZE];
    if (damage_join(path, folder, damage_marks[damage]))
        (void)unlink(path);
}

void os_damage_mark(const char *folder, enum os_damage damage)
{
    if (damage != OS_DAMAGE_NONE)
        damage_put(folder, damage);
    for (enum os_damage other = OS_DAMAGE_UNREADABLE; other <= OS_DAMAGE_CORRUPT; other++) {
        if (other != damage)
            damage_remove(folder, other);
    }
}

enum os_damage os_damage_of(const char *folder)
{
    if (damage_has(folder, OS_DAMAGE_CORRUPT))
        return OS_DAMAGE_CORRUPT;
    return damage_has(folder, OS_DAMAGE_UNREADABLE) ? OS_DAMAGE_UNREADABLE : OS_DAMAGE_NONE;
}

/* ---- SIGBUS ---- */

/* A line of /proc/self/maps: "from-to perms offset device inode path". */
static bool damage_line_holds(const char *line, uintptr_t address)
{
    uintptr_t bounds[2] = { 0, 0 };
    for (int i = 0; i < 2; i++) {
        for (; *line != '-' && *line != ' ' && *line != '\0'; line++)
            bounds[i] = bounds[i] << 4 | (uintptr_t)(*line <= '9' ? *line - '0' : *line - 'a' + 10);
        if (*line == '-')
            line++;
    }
    return bounds[0] <= address && address < bounds[1];
}

/* The file that is mapped there, cut off before "/data.mdb"; NULL: another one, or none. */
static char *damage_folder_in(char *line)
{
    char *path = strchr(line, '/');
    size_t len = path != NULL ? strlen(path) : 0, name_len = sizeof(damage_file) - 1;
    if (len <= name_len || memcmp(path + len - name_len, damage_file, name_len) != 0)
        return NULL;
    path[len - name_len] = '\0';
    return path;
}

/* Reads the list of maps a byte at a time into `line`, until one holds the address. */
static char *damage_find(uintptr_t address, char line[DAMAGE_LINE_SIZE])
{
    char *folder = NULL;
    size_t len = 0;
    char c;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && folder == NULL && read(fd, &c, 1) == 1) {
        line[len] = c == '\n' ? '\0' : c;
        if (c != '\n') {
            len += len + 1 < DAMAGE_LINE_SIZE;
            continue;
        }
        len = 0;
        if (damage_line_holds(line, address))
            folder = damage_folder_in(line);
    }
    if (fd >= 0)
        (void)close(fd);
    return folder;
}

static void damage_say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* nobody to tell */
}

static void damage_on_bus(int number, siginfo_t *info, void *context)
{
    (void)context;
    char line[DAMAGE_LINE_SIZE];
    const char *folder = damage_find((uintptr_t)info->si_addr, line);
    if (folder == NULL) {
        signal(number, SIG_DFL); /* it happens again at once */
        return;
    }
    if (os_damage_of(folder) ==
        OS_DAMAGE_NONE) /* else it is being read once more, and stays given up */
        os_damage_mark(folder, OS_DAMAGE_UNREADABLE);
    damage_say("fatal: ");
    damage_say(folder);
    damage_say(
        "/data.mdb cannot be read: it was cut short, or the disk fails. Start again: if it still "
        "cannot be read then, it is put aside, and what it held is taken from the log or another "
        "peer.\n");
    _exit(1);
}

void os_damage_catch(void)
{
    struct sigaction action = { .sa_sigaction = damage_on_bus, .sa_flags = SA_SIGINFO };
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}
