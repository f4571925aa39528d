/* What goes into a request's first line, and where it goes to. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "ctl/ctl.h"
#include "ctl/hosts.h"
#include "ctl/target.h"
#include "util/err.h"

TestSuite(ctl_target, .timeout = 60);

static void is(struct target *t, const char *text)
{
    cr_assert_str_eq(target_text(t), text);
    target_deinit(t);
    *t = (struct target){ 0 };
}

Test(ctl_target, a_value_stays_a_value)
{
    struct target t = { 0 };
    target_segment(&t, "pins");
    target_segment(&t, "a/b?c#d e");
    target_param(&t, "name", "x&y=z +%\"\n\xc3\xa9");
    target_param_i64(&t, "replication-min", -1);
    is(&t, "/pins/a%2Fb%3Fc%23d%20e?name=x%26y%3Dz%20%2B%25%22%0A%C3%A9&replication-min=-1");
}

Test(ctl_target, a_path_keeps_its_slashes_only)
{
    struct target t = { 0 };
    target_segment(&t, "pins");
    target_path(&t, "/ipfs/Qm/a b/c%2F?.txt");
    is(&t, "/pins/ipfs/Qm/a%20b/c%252F%3F.txt");
}

Test(ctl_target, a_key_of_the_users_is_encoded_too)
{
    struct target t = { 0 };
    target_segment(&t, "p");
    target_param_under(&t, "meta-", (struct bytes){ "a=b&c", 5 }, "");
    target_param(&t, "plain", "-._~azAZ09");
    is(&t, "/p?meta-a%3Db%26c=&plain=-._~azAZ09");
}

/* ---- what is to be pinned ---- */

#define CID_A "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"

static bool reads(const char *text, const char *want)
{
    struct args args = { .cmd = &cmd_pin_add };
    struct target t = { 0 };
    bool good = ctl_read_path(&args, text, &t);
    cr_assert_str_eq(target_text(&t), want, "%s", text);
    target_deinit(&t);
    return good;
}

Test(ctl_target, a_path_begins_with_what_its_kind_asks_for)
{
    cr_redirect_stderr();
    cr_assert(reads(CID_A, "/ipfs/" CID_A));
    cr_assert(reads("/ipfs/" CID_A, "/ipfs/" CID_A));
    cr_assert(reads("/ipld/" CID_A "/a b", "/ipld/" CID_A "/a%20b"));
    cr_assert(reads("/ipns/docs.ipfs.tech/x", "/ipns/docs.ipfs.tech/x"));
    static const char *const wrong[] = {
        "",       "x",        "ipfs/" CID_A, "/ipfs/x",  "/ipfs/",        "/ipld/", "/ipfs//" CID_A,
        "/ipns/", "/ipns//x", "/x/" CID_A,   CID_A "/a", "/ipfs/x/" CID_A
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_assert_not(reads(wrong[i], ""), "%s", wrong[i]);
}

/* ---- hosts ---- */

static void host_is(const char *text, const char *name, const char *addr)
{
    struct hosts hosts;
    struct buf why = { 0 }, printed = { 0 };
    cr_assert_eq(hosts_parse(&hosts, text, &why), OK, "%s: %s", text, buf_text(&why));
    cr_assert_eq(hosts.count, 1);
    cr_assert_str_eq(hosts.list[0].name, name);
    multiaddr_print(&hosts.list[0].addr, &printed);
    cr_assert_str_eq(buf_text(&printed), addr);
    buf_deinit(&printed);
    buf_deinit(&why);
}

Test(ctl_hosts, multiaddrs_and_pairs_mean_the_same)
{
    host_is("/ip4/10.0.0.7/tcp/9094", "http://10.0.0.7:9094", "/ip4/10.0.0.7/tcp/9094");
    host_is("10.0.0.7:9094", "http://10.0.0.7:9094", "/ip4/10.0.0.7/tcp/9094");
    host_is("[::1]:9094", "http://[::1]:9094", "/ip6/::1/tcp/9094");
    host_is("node-a:80", "http://node-a:80", "/dns/node-a/tcp/80");
    host_is("/dns4/node-a.example/tcp/9094", "http://node-a.example:9094",
            "/dns4/node-a.example/tcp/9094");
    host_is("/unix/run/cluster.sock", "http://unix:/run/cluster.sock", "/unix/run/cluster.sock");
}

Test(ctl_hosts, one_may_say_that_it_speaks_tls)
{
    host_is("/dns4/a/tcp/443/https", "https://a:443", "/dns4/a/tcp/443/https");
    host_is("/ip6/::1/tcp/1/tls/http", "https://[::1]:1", "/ip6/::1/tcp/1/tls/http");
    host_is("/ip4/1.2.3.4/tcp/1/http", "http://1.2.3.4:1", "/ip4/1.2.3.4/tcp/1/http");
    struct hosts hosts;
    struct buf why = { 0 };
    cr_assert_eq(hosts_parse(&hosts, "/dns/a/tcp/1/https,b:2,/unix/c", &why), OK);
    cr_assert(hosts.list[0].speaks_tls && !hosts.list[1].speaks_tls);
    hosts_use_tls(&hosts);
    cr_assert(hosts.list[0].speaks_tls && hosts.list[1].speaks_tls && hosts.list[2].speaks_tls);
    cr_assert_str_eq(hosts.list[0].name, "https://a:1");
    cr_assert_str_eq(hosts.list[1].name, "https://b:2");
    cr_assert_str_eq(hosts.list[2].name, "https://unix:/c");
}

Test(ctl_hosts, several_keep_their_order)
{
    struct hosts hosts;
    struct buf why = { 0 };
    cr_assert_eq(hosts_parse(&hosts, "10.0.0.1:1,/ip4/10.0.0.2/tcp/2,c:3", &why), OK);
    cr_assert_eq(hosts.count, 3);
    cr_assert_str_eq(hosts.list[0].name, "http://10.0.0.1:1");
    cr_assert_str_eq(hosts.list[1].name, "http://10.0.0.2:2");
    cr_assert_str_eq(hosts.list[2].name, "http://c:3");
}

static void refused(const char *text, const char *words)
{
    struct hosts hosts;
    struct buf why = { 0 };
    cr_assert_eq(hosts_parse(&hosts, text, &why), ERR_INVALID, "%s", text);
    cr_assert(strstr(buf_text(&why), words) != NULL, "%s: %s", text, buf_text(&why));
    buf_deinit(&why);
}

Test(ctl_hosts, what_is_no_address_is_refused_by_name)
{
    refused("", "'' is neither");
    refused("localhost", "'localhost' is neither");
    refused("a:1,", "'' is neither");
    refused(":9094", "':9094' is neither");
    refused("a:99999", "neither");
    refused("/ip4/1.2.3.4", "neither");
    refused("/ip4/1.2.3.4/udp/9094", "neither");
    refused("http://a:1", "neither");
    refused("/ip4/1.2.3.4/tcp/9096/p2p/QmUZ13osndQ5uL4tPWHXe3iBgBgq9gfewcBMSCAuMBsDJ6",
            "names a peer's cluster port");
    refused("a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1", "more than 16");
}
