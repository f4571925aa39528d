/* ctl.h -- what every command has at hand: the peer to ask, and how to show what it says.
 *
 * Shape    A command builds a target, asks with one of the functions below, and returns what they
 *          return: an exit code. They have told the user everything by then.
 * Output   Answers and failures go to stdout, where V1's users look for them; advice and refused
 *          arguments to stderr. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>

#include "cli/args.h"
#include "ctl/cmd.h"
#include "ctl/format.h"
#include "ctl/request.h"
#include "ctl/target.h"
#include "ids/cid.h"

struct ctl {
    struct remote remote;
    bool as_json;
    bool has_colour;
    bool stdout_is_data; /* failures go to stderr: what is on stdout may become a file */
};

/* What is asked; the target is freed by the functions below. */
struct question {
    const char *method;
    struct target target;
    const char *body;
    const struct upload *upload; /* instead of it */
};

/* Hands the rows of the answer to the sink; a failure is shown. */
int ctl_ask(struct ctl *ctl, struct question *q, const struct answer_sink *sink);

/* Shows each document of the answer as it arrives. */
int ctl_show(struct ctl *ctl, struct question *q, format_fn *format);
/* The same into a file, which is there when all of it is; NULL: stdout. */
int ctl_show_into(struct ctl *ctl, struct question *q, format_fn *format, const char *path);
/* Keeps the first document of the answer instead. */
int ctl_fetch(struct ctl *ctl, struct question *q, struct buf *document);
/* Shows a document that was fetched. */
int ctl_show_document(struct ctl *ctl, struct bytes document, format_fn *format);
/* Shows what went wrong; its exit code. */
int ctl_fail(struct ctl *ctl, const struct failure *failure);
/* An argument is not what it should be: "error parsing cid: ..." and where help is. CTL_FAILED. */
int ctl_refuse(const struct args *args, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Both read an operand; false: refused, and said so. */
bool ctl_read_cid(const struct args *args, const char *text, struct cid *out);
/* A CID or a path as the target wants it: "/ipfs/CID", "/ipns/name/a". */
bool ctl_read_path(const struct args *args, const char *text, struct target *out);

#endif
