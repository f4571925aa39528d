#include "util/err.h"

const char *err_text(int err)
{
    switch (err) {
#define X(name, code, text)                                                                        \
    case code:                                                                                     \
        return text;
        ERR_LIST(X)
#undef X
    }
    return "unknown error";
}

const char *err_name(int err)
{
    switch (err) {
#define X(name, code, text)                                                                        \
    case code:                                                                                     \
        return #name;
        ERR_LIST(X)
#undef X
    }
    return "ERR_UNKNOWN";
}

bool err_is_transient(int err)
{
    switch ((enum err)err) {
    case ERR_NOMEM:
    case ERR_BUSY:
    case ERR_IO:
    case ERR_FULL:
    case ERR_TIMEOUT:
    case ERR_REFUSED:
    case ERR_CLOSED:
    case ERR_NO_LEADER:
    case ERR_NOT_LEADER:
    case ERR_OUTCOME_UNKNOWN:
    case ERR_NOT_ENOUGH_PEERS:
    case ERR_STALE:
    case ERR_UNREACHABLE:
        return true;
    case OK:
    case ERR_INVALID:
    case ERR_CORRUPT:
    case ERR_NOT_FOUND:
    case ERR_EXISTS:
    case ERR_TOO_BIG:
    case ERR_CANCELED:
    case ERR_MORE:
    case ERR_UNSUPPORTED:
    case ERR_VERSION:
    case ERR_AUTH:
    case ERR_FOREIGN:
        return false;
    }
    return false;
}
