#include "ids/peer_id_names.h"

const char *peer_id_names_print(struct peer_id_names *names, const struct peer_id *id)
{
    size_t at = id->len > 0 ? id->bytes[id->len - 1] % PEER_ID_NAMES_COUNT : 0;
    if (!peer_id_equal(&names->ids[at], id)) {
        names->ids[at] = *id;
        names->texts[at] = peer_id_print(id);
    }
    return names->texts[at].text;
}
