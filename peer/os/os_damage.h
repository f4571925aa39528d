/* os_damage.h -- an environment that cannot be read, from one run of the program to the next.
 *
 * LMDB reads through a memory map. Where the file was cut short, or the device fails the read, that is SIGBUS on whatever
 * thread came by; where a page makes no sense, LMDB may find one of its own assertions broken. Neither can be answered
 * where it happens. So the folder gets a mark and the process ends with a sentence; what stands in the folder is decided
 * by the next start:
 *
 *      SIGBUS ---> "unreadable" ---> all of it is read once: the disk may be well again
 *                                         | no (or it dies once more)
 *      LMDB says so -------------------> "corrupt" ---> put aside as FOLDER.damaged; what it held comes from the log,
 *                                                       or from another peer */
#ifndef OS_OS_DAMAGE_H
#define OS_OS_DAMAGE_H

enum os_damage { OS_DAMAGE_NONE, OS_DAMAGE_UNREADABLE, OS_DAMAGE_CORRUPT };

/* From now on a SIGBUS in a file called data.mdb marks its folder and ends the process with code 1. */
void os_damage_catch(void);
/* OS_DAMAGE_NONE takes the marks away. May be called in a signal handler. */
void os_damage_mark(const char *folder, enum os_damage damage);
enum os_damage os_damage_of(const char *folder);

#endif
