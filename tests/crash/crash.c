/* crash.c -- power cuts: plays a tape (record.c), lays out what each moment may have left on the disk (disk.h), and opens
 * it (ledger.h), some of it with a real process (daemon.h).
 *
 *      crash --tape FILE --folder PEER --work DIR --service PROGRAM     PEER: what the recorded processes left behind
 *            --images N      about so many, spread evenly over the moments; 0: all moments
 *            --random N      random images a moment, besides: nothing, all, and one prefix
 *            --prefixes      all prefixes of what is loose, not one
 *            --daemons N     about so many of the images are started for real
 *            --ledger-tape FILE --ledger-folder PEER    another peer's, whose log this one follows; else its own
 *            --keep          an image that fails is laid out once more, in DIR
 *            --jobs N --seed N
 *
 * Checked  The recorder missed nothing: the folder is the tape's last image with nothing lost. Then, of each image: it
 *          opens; its log is a beginning of the recorded one, and has all that a client was told of by then; its state is
 *          that log applied, as far as that log goes; every row is whole. Of those that are started: REST comes up, lists
 *          exactly what that log makes, and takes a pin.
 *          What init wrote counts from when init had ended.
 * Proof    that it can fail: tests/mutants/crash_*.patch, each killed by it.
 * Prints   each failure, and "N passed, N failed". */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/daemon.h"
#include "tests/crash/disk.h"
#include "tests/crash/ledger.h"

enum { PATH_SIZE = 512, FAILURES_MAX = 5, OPS_MAX = 100000 };
/* In moments: a group of the log has two, and four clients write; twenty entries stay when the head is trimmed (tests/crash/run). */
enum { LEARN_EVERY = 8 };

struct tape {
    const uint8_t *bytes;
    size_t len;
};

static struct {
    const char *tape_path, *folder, *work, *service;
    uint64_t images, random, daemons, jobs, seed;
    bool all_prefixes, keeps;
    const char *ledger_tape_path, *ledger_folder;
    struct tape tape, ledger_tape;
    struct ledger *ledger;
    uint64_t moments; /* at which images are laid */
} run = { .images = 5000, .random = 2, .daemons = 200, .jobs = 2, .seed = 1 };

struct sums {
    uint64_t images, starts, failed;
};

/* ---- the tape, moment by moment ---- */

struct player {
    const struct tape *tape;
    struct disk *disk;
    size_t at;
    uint64_t events;
    unsigned processes;
    uint64_t needed; /* the highest index that a client was told of */
    uint64_t answers;
    uint64_t unknown;      /* answers about ops that the log does not have */
    bool is_moment;        /* the disk has changed, and init is over */
    uint32_t what;         /* the last event's */
    uint8_t told[OPS_MAX]; /* of each op: how many answers named it */
};

/* Answers name the pin they are about. */
static void player_on_sent(struct player *p, const char *bytes, size_t len)
{
    static const char before[] = "\"name\":\"op-";
    const char *at = memmem(bytes, len, before, strlen(before));
    if (at == NULL || run.ledger == NULL)
        return;
    unsigned op = (unsigned)strtoul(at + strlen(before), NULL, 10);
    if (op == 0 || op >= OPS_MAX) /* load.c counts from 1 */
        crash_die("an answer about op %u", op);
    uint64_t index = ledger_index_of(run.ledger, op, ++p->told[op]);
    p->answers += 1;
    p->unknown += index == 0;
    if (p->needed < index)
        p->needed = index;
}

static bool player_next(struct player *p)
{
    struct tape_event e;
    if (p->at + sizeof(e) > p->tape->len)
        return false;
    memcpy(&e, p->tape->bytes + p->at, sizeof(e));
    const uint8_t *bytes = p->tape->bytes + p->at + sizeof(e);
    if (p->at + sizeof(e) + e.len > p->tape->len)
        crash_die("the tape ends within an event");
    p->at += sizeof(e) + e.len;
    p->events += 1;
    p->what = e.what;
    p->processes += e.what == TAPE_START;
    p->is_moment = disk_play(p->disk, &e, bytes) && p->processes > 1;
    if (e.what == TAPE_SENT)
        player_on_sent(p, (const char *)bytes, e.len);
    return true;
}

static void player_begin(struct player *p, const struct tape *tape)
{
    *p = (struct player){ .tape = tape, .disk = disk_create() };
}

/* ---- one image ---- */

struct image {
    const struct player *player;
    struct disk_cut cut;
    char folder[PATH_SIZE];
    uint64_t last; /* of its log */
};

static void image_lay(const struct image *i)
{
    disk_lay(i->player->disk, &i->cut, i->folder);
}

/* What a process of its own says about the image: 0 and the end of the log, or words. */
static bool image_judge(struct image *i, struct buf *why)
{
    int ends[2], status;
    if (pipe(ends) != 0)
        crash_die("pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        crash_die("fork: %s", strerror(errno));
    if (pid == 0) {
        bool is_good = ledger_judge(run.ledger, i->folder, i->player->needed, &i->last, why);
        ssize_t len = is_good ? write(ends[1], &i->last, sizeof(i->last))
                              : write(ends[1], why->data, why->len);
        _exit(is_good && len > 0 ? 0 : 1);
    }
    close(ends[1]);
    char said[1024];
    ssize_t len = read(ends[0], said, sizeof(said));
    close(ends[0]);
    waitpid(pid, &status, 0);
    if (status == 0 && len == sizeof(i->last)) {
        memcpy(&i->last, said, sizeof(i->last));
        return true;
    }
    if (WIFSIGNALED(status))
        buf_printf(why, "opening it dies of signal %d", WTERMSIG(status));
    buf_append(why, said, len > 0 ? (size_t)len : 0);
    return false;
}

static bool image_start(struct image *i, struct buf *why)
{
    struct buf pins = { 0 };
    ledger_pins(run.ledger, i->last, &pins);
    image_lay(i); /* anew: judging has opened it */
    bool is_good = daemon_judge(run.service, i->folder, buf_bytes(&pins), why);
    buf_deinit(&pins);
    return is_good;
}

static void image_report(struct image *i, struct sums *sums, const char *why)
{
    char cut[128], kept[PATH_SIZE + 32];
    disk_cut_print(i->player->disk, &i->cut, cut, sizeof(cut));
    printf("FAIL at event %llu: %s: %s\n", (unsigned long long)i->player->events, cut, why);
    fflush(stdout);
    snprintf(kept, sizeof(kept), "%s.failed%llu", i->folder, (unsigned long long)sums->failed);
    if (run.keeps)
        disk_lay(i->player->disk, &i->cut, kept);
}

static void image_try(struct image *i, bool starts, struct sums *sums)
{
    struct buf why = { 0 };
    image_lay(i);
    bool is_good = image_judge(i, &why);
    if (is_good && starts && i->last > 0) {
        is_good = image_start(i, &why);
        sums->starts += 1;
    }
    sums->images += 1;
    if (!is_good) {
        image_report(i, sums, buf_text(&why));
        sums->failed += 1;
    }
    buf_deinit(&why);
}

/* ---- the images of a moment ---- */

/* Their count a moment, to spread them and the starts evenly. */
static uint64_t images_a_moment(void)
{
    return 3 + run.random;
}

static bool is_due(uint64_t count, uint64_t of, uint64_t nth)
{
    return count >= of || nth * count / of != (nth + 1) * count / of;
}

static void moment_try(const struct player *p, const char *folder, struct sums *sums)
{
    size_t loose = disk_loose_count(p->disk);
    uint64_t total = run.images > 0 ? run.images : run.moments * images_a_moment();
    total /= run.jobs;
    uint64_t daemons = run.daemons / run.jobs;
    struct image i = { .player = p };
    snprintf(i.folder, sizeof(i.folder), "%s", folder);
    struct disk_cut cuts[3] = { { .kind = CUT_NONE }, { .kind = CUT_ALL }, { .kind = CUT_PREFIX } };
    uint64_t seed = run.seed * 1000003 + p->events * 1009;
    cuts[2].count = loose > 0 ? 1 + (size_t)(seed / 7 % loose) : 0;
    for (size_t c = 0; c < 3; c++) {
        /* Without a sync since, nothing new is certain: that image was there before. */
        if (c == 0 && p->what != TAPE_SYNCED && p->what != TAPE_START)
            continue;
        if (c == 2 && (run.all_prefixes || loose < 2))
            continue;
        i.cut = cuts[c];
        i.cut.seed = seed;
        image_try(&i, is_due(daemons, total, sums->images), sums);
    }
    for (size_t n = 1; run.all_prefixes && n < loose; n++) {
        i.cut = (struct disk_cut){ .kind = CUT_PREFIX, .count = n, .seed = seed };
        image_try(&i, is_due(daemons, total, sums->images), sums);
    }
    for (uint64_t n = 0; loose > 0 && n < run.random; n++) {
        i.cut = (struct disk_cut){ .kind = CUT_RANDOM, .seed = seed + n };
        image_try(&i, is_due(daemons, total, sums->images), sums);
    }
}

/* ---- all of them ---- */

/* One process's share: every jobs-th of the moments that are due. */
static struct sums job_run(uint64_t job)
{
    struct player p;
    struct sums sums = { 0 };
    char folder[PATH_SIZE];
    uint64_t nth = 0, due = 0;
    uint64_t wanted = run.images > 0 ? run.images / images_a_moment() : run.moments;
    snprintf(folder, sizeof(folder), "%s/image%llu", run.work, (unsigned long long)job);
    player_begin(&p, &run.tape);
    while (player_next(&p) && sums.failed < FAILURES_MAX) {
        if (!p.is_moment || !is_due(wanted, run.moments, nth++))
            continue;
        if (due++ % run.jobs == job)
            moment_try(&p, folder, &sums);
    }
    disk_destroy(p.disk);
    return sums;
}

static struct sums jobs_run(void)
{
    struct sums all = { 0 }, one;
    int ends[2];
    if (pipe(ends) != 0)
        crash_die("pipe: %s", strerror(errno));
    fflush(stdout);
    for (uint64_t job = 0; job < run.jobs; job++) {
        if (fork() != 0)
            continue;
        one = job_run(job);
        fflush(stdout);
        _exit(write(ends[1], &one, sizeof(one)) == sizeof(one) ? 0 : 1);
    }
    close(ends[1]);
    for (uint64_t job = 0; job < run.jobs; job++) {
        int status;
        if (read(ends[0], &one, sizeof(one)) != sizeof(one))
            crash_die("a job died");
        all.images += one.images;
        all.starts += one.starts;
        all.failed += one.failed;
        wait(&status);
    }
    return all;
}

/* A whole tape once, without a ledger: it learns the log here and there, before its head is trimmed away. The moments. */
static uint64_t learn(struct ledger *ledger, const struct tape *tape, const char *folder)
{
    struct player p;
    char whole[PATH_SIZE];
    uint64_t moments = 0;
    struct disk_cut all = { .kind = CUT_ALL };
    snprintf(whole, sizeof(whole), "%s/whole", run.work);
    player_begin(&p, tape);
    while (player_next(&p)) {
        moments += p.is_moment;
        if (ledger == NULL || !p.is_moment || moments % LEARN_EVERY != 0)
            continue;
        disk_lay(p.disk, &all, whole);
        ledger_learn(ledger, whole);
    }
    if (!disk_is_folder(p.disk, folder))
        crash_die("the recorder missed something: %s is not what the tape says", folder);
    disk_lay(p.disk, &all, whole);
    if (ledger != NULL)
        ledger_learn(ledger, whole);
    disk_destroy(p.disk);
    return moments;
}

static void learn_all(void)
{
    struct ledger *ledger = ledger_create();
    bool is_own = run.ledger_tape_path == NULL;
    run.moments = learn(is_own ? ledger : NULL, &run.tape, run.folder);
    if (!is_own)
        (void)learn(ledger, &run.ledger_tape, run.ledger_folder);
    ledger_close(ledger);
    run.ledger = ledger;
}

static void check_answers(struct sums *sums)
{
    struct player p;
    player_begin(&p, &run.tape);
    while (player_next(&p))
        continue;
    printf("%llu events of %u processes, %llu moments, %llu entries (%llu trimmed), %llu answers\n",
           (unsigned long long)p.events, p.processes, (unsigned long long)run.moments,
           (unsigned long long)ledger_last(run.ledger), (unsigned long long)ledger_base(run.ledger),
           (unsigned long long)p.answers);
    if (p.unknown > 0 || p.answers == 0) {
        printf("FAIL %llu answers are about ops that the log does not have\n",
               (unsigned long long)p.unknown);
        sums->failed += 1;
    }
    disk_destroy(p.disk);
}

static void map_tape(struct tape *tape, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        crash_die("%s: %s", path, strerror(errno));
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        crash_die("%s: %s", path, strerror(errno));
    *tape = (struct tape){ bytes, (size_t)st.st_size };
    close(fd);
}

static void parse(int argc, char **argv)
{
    static const struct option options[] = {
        { "tape", required_argument, NULL, 't' },
        { "folder", required_argument, NULL, 'f' },
        { "work", required_argument, NULL, 'w' },
        { "service", required_argument, NULL, 's' },
        { "images", required_argument, NULL, 'i' },
        { "random", required_argument, NULL, 'r' },
        { "prefixes", no_argument, NULL, 'p' },
        { "daemons", required_argument, NULL, 'd' },
        { "ledger-tape", required_argument, NULL, 'l' },
        { "ledger-folder", required_argument, NULL, 'o' },
        { "jobs", required_argument, NULL, 'j' },
        { "seed", required_argument, NULL, 'e' },
        { "keep", no_argument, NULL, 'k' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const char **text = option == 't'   ? &run.tape_path
                            : option == 'f' ? &run.folder
                            : option == 'w' ? &run.work
                            : option == 's' ? &run.service
                            : option == 'l' ? &run.ledger_tape_path
                            : option == 'o' ? &run.ledger_folder
                                            : NULL;
        uint64_t *number = option == 'i'   ? &run.images
                           : option == 'r' ? &run.random
                           : option == 'd' ? &run.daemons
                           : option == 'j' ? &run.jobs
                           : option == 'e' ? &run.seed
                                           : NULL;
        if (text != NULL)
            *text = optarg;
        else if (number != NULL)
            *number = strtoull(optarg, NULL, 10);
        else if (option == 'p')
            run.all_prefixes = true;
        else if (option == 'k')
            run.keeps = true;
        else
            crash_die("see the first lines of tests/crash/crash.c");
    }
    if (run.tape_path == NULL || run.folder == NULL || run.work == NULL || run.service == NULL ||
        run.jobs == 0)
        crash_die("--tape, --folder, --work and --service are needed");
    if ((run.ledger_tape_path == NULL) != (run.ledger_folder == NULL))
        crash_die("--ledger-tape and --ledger-folder go together");
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    map_tape(&run.tape, run.tape_path);
    if (run.ledger_tape_path != NULL)
        map_tape(&run.ledger_tape, run.ledger_tape_path);
    learn_all();
    struct sums before = { 0 };
    check_answers(&before);
    struct sums sums = jobs_run();
    printf("%llu images, %llu of them started\n", (unsigned long long)sums.images,
           (unsigned long long)sums.starts);
    sums.failed += before.failed;
    printf("%llu passed, %llu failed\n", (unsigned long long)(sums.images + 1 - sums.failed),
           (unsigned long long)sums.failed);
    return sums.failed == 0 ? 0 : 1;
}
