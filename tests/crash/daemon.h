/* daemon.h -- a real peer's process on an image: does it start, list what it must, and go on? */
#ifndef TESTS_CRASH_DAEMON_H
#define TESTS_CRASH_DAEMON_H

#include <stdbool.h>

#include "util/buf.h"

/* Starts `program` on the folder, waits until REST lists exactly `pins` (ledger_pins()), pins one more, kills it. False:
 * a sentence in `why`; what the daemon said is in FOLDER.log. */
bool daemon_judge(const char *program, const char *folder, struct bytes pins, struct buf *why);

#endif
