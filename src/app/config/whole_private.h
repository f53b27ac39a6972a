/* What the files whole*.c share. */
#ifndef APP_CONFIG_WHOLE_PRIVATE_H
#define APP_CONFIG_WHOLE_PRIVATE_H

#include "app/config/whole.h"

/* A complaint about a key, in the place where it was given. */
#define COMPLAIN(config, problems, key, ...)                                                       \
    config_problem((problems), config_origin_of((config), (key)), slice_from_string(key),          \
                   __VA_ARGS__)

/* False when one of the two was refused: what it holds means nothing. */
bool config_both_good(const struct app_config *config, const char *a, const char *b);

/* What lies below a transport: two listeners may have one port in different spaces. */
enum port_space { PORT_SPACE_UDP, PORT_SPACE_TCP, PORT_SPACE_SCTP };
enum port_space config_port_space_of(uint8_t transport);
/* Has one of the first `count` listeners that port already? */
bool config_port_is_taken(const struct config_listeners *listen, unsigned count,
                          enum port_space space, const struct address *local);

/* The parts of config_check_whole. */
void config_check_listeners(const struct app_config *config, struct config_problems *problems);
void config_check_stun(const struct app_config *config, struct config_problems *problems);
void config_check_turn(const struct app_config *config, struct config_problems *problems);

#endif
