/* Checks beyond a value's type: of single values (named in the schema) and of values that must fit
 * each other. */
#ifndef APP_CONFIG_CHECK_H
#define APP_CONFIG_CHECK_H

#include "app/config/problem.h"
#include "base/slice.h"

struct app_config;

/* 0, or ERR_SYNTAX with what is wrong and what would be right in *why. */
int config_check_domain(struct slice item, struct writer *why);
int config_check_turn_relay(struct slice item, struct writer *why);
int config_check_turn_range(struct slice item, struct writer *why);
/* "LOW-HIGH". ERR_SYNTAX, ERR_RANGE. */
int config_parse_range(struct slice text, uint16_t *ret_low, uint16_t *ret_high);
/* These three never show what they refuse: it may be a password. */
int config_check_turn_user(struct slice item, struct writer *why);
int config_check_partner_secret(struct slice item, struct writer *why);
int config_check_turn_token_key(struct slice item, struct writer *why);
int config_check_realm(struct slice item, struct writer *why);
int config_check_server(struct slice item, struct writer *why);
int config_check_socket_path(struct slice item, struct writer *why);
/* A name or a numeric address, without and with a port. */
int config_check_host(struct slice item, struct writer *why);
int config_check_host_port(struct slice item, struct writer *why);
int config_check_network(struct slice item, struct writer *why);
int config_check_dns_server(struct slice item, struct writer *why);
int config_check_path(struct slice item, struct writer *why);
int config_check_origin(struct slice item, struct writer *why);
int config_check_log_level(struct slice item, struct writer *why);

/* Values that must fit each other: adds to problems. */
void config_check_whole(const struct app_config *config, struct config_problems *problems);

#endif
