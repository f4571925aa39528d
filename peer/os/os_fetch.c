#include "os/os_fetch.h"

#include <curl/curl.h>

#include "util/err.h"

enum { FETCH_REDIRECTS_MAX = 10 };

struct fetch {
    struct buf *out;
    size_t bytes_max;
    bool is_too_big;
};

static size_t fetch_on_body(char *bytes, size_t size, size_t count, void *owner)
{
    struct fetch *f = owner;
    size_t len = size * count;
    f->is_too_big = f->out->len + len > f->bytes_max;
    if (f->is_too_big)
        return 0; /* curl gives up */
    buf_append(f->out, bytes, len);
    return f->out->err == OK ? len : 0;
}

static int fetch_err(const struct fetch *f, CURLcode code)
{
    if (f->is_too_big)
        return ERR_TOO_BIG;
    switch (code) {
    case CURLE_OK:
        return OK;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return ERR_INVALID;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return ERR_UNREACHABLE;
    default: /* curl's enum, and long */
        return ERR_IO;
    }
}

static int fetch_run(struct fetch *f, CURL *easy, const char *url, struct buf *why)
{
    char words[CURL_ERROR_SIZE] = "";
    long status = 0;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
    CURLcode code = curl_easy_perform(easy);
    int err = fetch_err(f, code);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (err == ERR_TOO_BIG)
        buf_printf(why, "%s: more than %zu bytes", url, f->bytes_max);
    else if (err != OK)
        buf_printf(why, "%s: %s", url, words[0] != '\0' ? words : curl_easy_strerror(code));
    else if (status != 200)
        buf_printf(why, "%s: the server answers with status %ld", url, status);
    return err == OK && status != 200 ? ERR_NOT_FOUND : err;
}

int os_fetch(const char *url, size_t bytes_max, uint64_t timeout_us, struct buf *out,
             struct buf *why)
{
    struct fetch f = { .out = out, .bytes_max = bytes_max };
    CURL *easy = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ERR_NOMEM;
    int err = ERR_NOMEM;
    if ((easy = curl_easy_init()) != NULL) {
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS_MAX);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(timeout_us / 1000));
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, fetch_on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &f);
        err = fetch_run(&f, easy, url, why);
        curl_easy_cleanup(easy);
    }
    curl_global_cleanup();
    return err;
}
