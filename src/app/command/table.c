/* table file */
#include "app/command/command.h"

#define CLIENT (OPTION_CONFIG | OPTION_JSON)

const struct command commands[] = {
    {"serve", "[-c FILE] [--set KEY=VALUE]...", "run the server",
     "Runs the registrar and proxy in the foreground until SIGTERM or SIGINT, which end it once\n"
     "what is under way is done (drain_time); a second signal ends it at once. SIGHUP reads the\n"
     "configuration anew. Without a configuration file it runs with built-in defaults. It writes\n"
     "the line \"ready\" to stderr (and READY=1 to $NOTIFY_SOCKET) once it serves.\n"
     "The first start makes two accounts with random passwords and prints them.",
     OPTION_CONFIG, command_serve},
    {"config", "check|print|docs [-c FILE] [--set KEY=VALUE]... [--defaults]",
     "check or print a configuration",
     "check  says everything that is wrong with a configuration, with file, line and key\n"
     "print  writes the configuration as the server would use it: every key, as commented YAML\n"
     "docs   writes the reference of all keys as Markdown",
     OPTION_CONFIG | OPTION_DEFAULTS, command_config},
    {"status", "[-c FILE] [--set KEY=VALUE]... [--json]", "how the running server does",
     "Version, uptime, workers and how busy they are, listeners, registered phones, calls,\n"
     "overload and the store of the server that runs.",
     CLIENT, command_status},
    {"contacts", "[AOR] [-c FILE] [--set KEY=VALUE]... [--json]",
     "which phones are registered, and why one is not reachable",
     "Without AOR: every registered phone, one line each. With AOR (alice, alice@example.org or\n"
     "sip:alice@example.org): its phones with where they registered from, since when, until when\n"
     "and when they were last heard of; or, in words, why there are none. Exit code 1: none.",
     CLIENT, command_contacts},
    {"route", "URI | --invite FILE [-c FILE] [--set KEY=VALUE]... [--json]",
     "where a request would go, and why",
     "URI            says step by step how the servers behind a SIP URI are found (RFC 3263): "
     "what\n"
     "               the URI itself says, every DNS record, what is left out and why, and the\n"
     "               addresses in the order in which they would be tried. No server needs to run:\n"
     "               listeners, domains, routes and DNS servers are those of the configuration.\n"
     "--invite FILE  the same for a request in a file (- is standard input): whose it is, who may\n"
     "               send it, the phones, routes and servers it goes to, and the bytes that would\n"
     "               leave. The running server is asked; without one its store is read. Nothing "
     "is\n"
     "               sent. The sender is taken for the one that the top Via and From name.\n"
     "Exit code 1: there is no target, or nothing would leave.",
     CLIENT | OPTION_INVITE, command_route},
    {"targets", "[-c FILE] [--set KEY=VALUE]... [--json]", "how the servers that calls go to do",
     "Every server that requests went to of late because DNS or a static route names it: whether\n"
     "it is up or down and since when, how often it failed, when it last answered. A server that\n"
     "is down is tried after the others of its domain until it has answered again.",
     CLIENT, command_targets},
    {"nat", "[SERVER] [--lifetime TIME] [-c FILE] [--set KEY=VALUE]... [--json]",
     "what this machine is behind: NAT, firewall, and what it means for calls",
     "Asks a STUN server from this machine: the outside address, how the NAT maps ports and whom "
     "it\n"
     "lets in (RFC 5780), the old name of its kind (RFC 3489), hairpinning, how long a mapping\n"
     "lives, whether ports are kept and fragments pass; and whether media of calls can go "
     "straight\n"
     "or needs the relay. What it does meanwhile is on standard error.\n"
     "SERVER is HOST, HOST:PORT or an address, of any make; port 3478 unless it says another.\n"
     "Without it the first stun.listen of the configuration is asked. A server with one address\n"
     "cannot tell mapping and filtering (stun.alternate gives ours a second one).\n"
     "--lifetime TIME  the longest pause that is tried (5s; 5m finds what most NATs do); 0: none.\n"
     "                 It may take twice as long, and says so.\n"
     "Exit code 1: nothing could be told, 3: no server answers over UDP, TCP or TLS.",
     CLIENT | OPTION_LIFETIME, command_nat},
    {"relays", "[drain on|off] [-c FILE] [--set KEY=VALUE]... [--json]",
     "what the TURN server relays, and for whom",
     "Every allocation: whose it is, the client and the relayed addresses, how long they last,\n"
     "permissions, channels and what went each way.\n"
     "drain on   makes no new allocations: clients are sent to turn.alternate, or refused; those\n"
     "           that are there go on until their clients end them\n"
     "drain off  makes new ones again",
     CLIENT, command_relays},
    {"doctor", "[CHECK]... [-c FILE] [--set KEY=VALUE]... [--json]",
     "is everything set up right, and what to do if not",
     "Looks at how others see this machine, at ports, certificates, DNS records of the domains,\n"
     "clock, limits, kernel settings, store and firewall, and says of each whether it is good "
     "(ok),\n"
     "worth knowing (note), bad for something (warning) or wrong (failed), and what to do. A "
     "server\n"
     "may run or not. CHECK: addresses, ports, inbound, certificate, names, clock, files, kernel,\n"
     "store, firewall, machine; without one, all of them. Some need root to see everything.\n"
     "Exit code 1: something failed.",
     CLIENT, command_doctor},
    {"user", "add|remove|list|password [NAME] [PASSWORD] [--password-stdin]", "manage accounts",
     "add NAME [PASSWORD]       makes an account; without a password one is made and printed\n"
     "password NAME [PASSWORD]  gives an account a new password, in the same ways\n"
     "remove NAME               removes an account\n"
     "list                      lists the accounts in order of name\n"
     "NAME is a user of every domain (alice) or of one (alice@example.org). A password on the\n"
     "command line can be seen by others on this machine; --password-stdin cannot. When no server\n"
     "is running the store is changed directly.",
     CLIENT | OPTION_PASSWORD_STDIN, command_user},
    {"kick", "AOR [-c FILE] [--set KEY=VALUE]... [--json]", "remove a user's registrations",
     "Removes every registration of an address-of-record. Its phones can register again.\n"
     "Exit code 1: it had none.",
     CLIENT, command_kick},
    {"log", "LEVEL | SUBSYSTEM=LEVEL [-c FILE] [--set KEY=VALUE]... [--json]",
     "change what the running server logs",
     "LEVEL is error, warn, info or debug. Subsystems: app, config, loop, transport, sip,\n"
     "transaction, auth, registrar, proxy, location, store, turn, control. It lasts until the\n"
     "server ends or a reload changes log.level or log.levels.",
     CLIENT, command_log},
    {"reload", "[-c FILE] [--set KEY=VALUE]... [--json]",
     "let the running server read its configuration anew",
     "The server reads its own file and --set options again. Either all of it is taken over, or\n"
     "it says why not and goes on as before (exit code 1).",
     CLIENT, command_reload},
    {"help", "[COMMAND]", "this list, or one command", "Lists the commands, or describes one.", 0,
     command_help},
    {"version", "[--json]", "the version", "Prints the version.", OPTION_JSON, command_version},
};

const unsigned command_count = sizeof commands / sizeof *commands;
