#include "app/command/command.h"
#include "app/server/process.h"

int main(int argc, char **argv)
{
    process_keep_streams();
    return command_main(argc, argv);
}
