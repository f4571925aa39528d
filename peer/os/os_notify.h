/* os_notify.h -- tells systemd how the service is doing, if it asked to be told (sd_notify's datagram). */
#ifndef OS_OS_NOTIFY_H
#define OS_OS_NOTIFY_H

void os_notify(const char *state); /* "READY=1" */

#endif
