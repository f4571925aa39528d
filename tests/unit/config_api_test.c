/* Who may use the REST API, and how it is reached: the options of api.restapi. */
#include <criterion/criterion.h>

#include <string.h>

#include "config/config.h"
#include "tests/lib/config_loaded.h"
#include "util/err.h"

TestSuite(config_api, .timeout = 20);

Test(config_api, who_may_use_the_api)
{
    struct loaded l = load(
        "{\"api\":{\"restapi\":{\"basic_auth_credentials\":{\"ann\":\"a:1\",\"bob\":\"b,2\"},"
        "\"headers\":{\"X-A\":[\"1\",\"2\"],\"X-B\":\"3\"},\"cors_allowed_origins\":\"http://a\","
        "\"ssl_cert_file\":\"c.pem\",\"ssl_key_file\":\"k.pem\","
        "\"http_listen_multiaddress\":[\"/unix/run/a.sock\",\"/ip4/127.0.0.1/tcp/1\"]}}}");
    cr_assert_eq(l.err, OK, "%s", buf_text(&l.notes.error));
    const struct config_restapi *api = &l.config.restapi;
    cr_assert_eq(api->users.count, 2);
    cr_assert_str_eq(api->users.at[0].name, "ann");
    cr_assert_str_eq(api->users.at[0].value, "a:1");
    cr_assert_eq(api->headers.count, 3);
    cr_assert_str_eq(api->headers.at[1].value, "2");
    cr_assert_eq(api->cors_origins.count, 1);
    cr_assert_eq(api->http_listen_multiaddress.count, 2);
    cr_assert_eq(config_check(&l.config, &l.notes), OK);
    struct buf written = { 0 };
    config_write(&l.config, &written);
    cr_assert(strstr(buf_text(&written), "\"X-A\": [") != NULL, "%s", buf_text(&written));
    struct loaded again = load(buf_text(&written));
    cr_assert_eq(again.err, OK, "%s", buf_text(&again.notes.error));
    cr_assert_eq(again.config.restapi.headers.count, 3);
    cr_assert_str_eq(again.config.restapi.users.at[1].value, "b,2");
    buf_wipe(&written);
    config_show(&l.config, &(struct config_show){ 0 }, &written);
    cr_assert_null(strstr(buf_text(&written), "a:1"));
    buf_deinit(&written);
    unload(&again);
    unload(&l);

    const char *environment[] = { "CLUSTER_RESTAPI_BASICAUTHCREDENTIALS=ann:a:1,bob:2", NULL };
    struct loaded e = load("{}");
    cr_assert_eq(config_read_environment(&e.config, environment, &e.notes), OK);
    cr_assert_str_eq(e.config.restapi.users.at[0].value, "a:1");
    cr_assert_str_eq(e.config.restapi.users.at[1].value, "2");
    environment[0] = "CLUSTER_RESTAPI_BASICAUTHCREDENTIALS=hush";
    cr_assert_eq(config_read_environment(&e.config, environment, &e.notes), ERR_INVALID);
    cr_assert_null(strstr(buf_text(&e.notes.error), "hush"));
    unload(&e);
}

Test(config_api, one_file_of_two_is_refused)
{
    struct loaded l = load("{\"api\":{\"restapi\":{\"ssl_cert_file\":\"c.pem\"}}}");
    cr_assert_eq(l.err, OK);
    cr_assert_eq(config_check(&l.config, &l.notes), ERR_INVALID);
    cr_assert(strstr(buf_text(&l.notes.error), "ssl_key_file") != NULL);
    unload(&l);
}
