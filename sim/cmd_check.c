#include "sim/cmd.h"

static int check_run(int argc, char **argv)
{
    int count = cmd_parse(&cmd_check, NULL, argc, argv);
    int code = count > 0 ? CMD_PASSED : CMD_USAGE;
    if (count == 0)
        cmd_print_help(&cmd_check, stderr);
    for (int i = 0; i < count; i++) {
        struct script script;
        if (!cmd_load_script(&script, argv[i])) {
            code = CMD_USAGE;
            continue;
        }
        printf("%s: %zu steps\n", argv[i], script.steps_count);
        script_deinit(&script);
    }
    return code;
}

const struct cmd cmd_check = {
    .name = "check",
    .summary = "check scenarios for mistakes, without playing them",
    .usage = "check FILE...",
    .about = "Reads scenarios and says what is wrong with them: file, line, what was expected.\n",
    .examples = "  ipfs-cluster-sim check scenarios/*/*.scn\n",
    .run = check_run,
};
