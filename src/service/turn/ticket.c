#include "service/turn/ticket.h"

#include "base/error.h"
#include "base/random.h"
#include "stun/bytes.h"

#include <openssl/evp.h>

#define NONCE_SIZE 12
#define TAG_SIZE   16
#define PLAIN_SIZE (TURN_TICKET_SIZE - NONCE_SIZE - TAG_SIZE)

_Static_assert(PLAIN_SIZE == 13, "worker, number and sequence");

int turn_ticket_sealer_init(struct turn_ticket_sealer *sealer, const uint8_t key[TURN_TICKET_KEY])
{
    *sealer = (struct turn_ticket_sealer){.cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL),
                                          .context = EVP_CIPHER_CTX_new()};
    memcpy(sealer->key, key, sizeof sealer->key);
    if (sealer->cipher != NULL && sealer->context != NULL)
        return 0;
    int status = sealer->cipher == NULL ? ERR_UNSUPPORTED : ERR_NO_MEMORY;
    turn_ticket_sealer_done(sealer);
    return status;
}

void turn_ticket_sealer_done(struct turn_ticket_sealer *sealer)
{
    EVP_CIPHER_CTX_free(sealer->context);
    EVP_CIPHER_free(sealer->cipher);
    *sealer = (struct turn_ticket_sealer){0};
}

int turn_ticket_seal(struct turn_ticket_sealer *sealer, const struct turn_ticket *ticket,
                     char ret_sealed[TURN_TICKET_SIZE])
{
    uint8_t plain[PLAIN_SIZE], sealed[TURN_TICKET_SIZE];
    int length = 0, rest = 0;
    plain[0] = ticket->worker;
    bytes_put32(plain + 1, (uint32_t)(ticket->number >> 32));
    bytes_put32(plain + 5, (uint32_t)ticket->number);
    bytes_put32(plain + 9, ticket->sequence);
    int status = random_secret(sealed, NONCE_SIZE);
    if (status < 0)
        return status;
    EVP_CIPHER_CTX *c = sealer->context;
    if (EVP_EncryptInit_ex2(c, sealer->cipher, sealer->key, sealed, NULL) != 1 ||
        EVP_EncryptUpdate(c, sealed + NONCE_SIZE, &length, plain, PLAIN_SIZE) != 1 ||
        EVP_EncryptFinal_ex(c, sealed + NONCE_SIZE + length, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, sealed + NONCE_SIZE + PLAIN_SIZE) !=
            1)
        return ERR_NO_MEMORY;
    memcpy(ret_sealed, sealed, sizeof sealed);
    return 0;
}

int turn_ticket_open(struct turn_ticket_sealer *sealer, struct slice sealed,
                     struct turn_ticket *ret_ticket)
{
    uint8_t raw[TURN_TICKET_SIZE], plain[PLAIN_SIZE];
    int length = 0;
    if (sealed.len != TURN_TICKET_SIZE)
        return ERR_DENIED;
    memcpy(raw, sealed.ptr, sizeof raw);
    EVP_CIPHER_CTX *c = sealer->context;
    if (EVP_DecryptInit_ex2(c, sealer->cipher, sealer->key, raw, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, raw + NONCE_SIZE + PLAIN_SIZE) !=
            1 ||
        EVP_DecryptUpdate(c, plain, &length, raw + NONCE_SIZE, PLAIN_SIZE) != 1)
        return ERR_NO_MEMORY;
    if (EVP_DecryptFinal_ex(c, plain + length, &length) != 1)
        return ERR_DENIED;
    *ret_ticket = (struct turn_ticket){
        .worker = plain[0],
        .number = (uint64_t)bytes_get32(plain + 1) << 32 | bytes_get32(plain + 5),
        .sequence = bytes_get32(plain + 9),
    };
    return 0;
}
