#include <stdio.h>

#include "sim/cmd.h"

const char cmd_check_help[] =
    "ipfs-cluster-sim check FILE...\n\n"
    "Reads scenarios and says what is wrong with them: file, line, what was "
    "expected.\n\n"
    "Example:\n"
    "  ipfs-cluster-sim check scenarios/*/*.scn\n";

int cmd_check(int argc, char **argv)
{
    int code = argc > 0 ? CMD_PASSED : CMD_USAGE;
    if (argc == 0)
        fputs(cmd_check_help, stderr);
    for (int i = 0; i < argc; i++) {
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
