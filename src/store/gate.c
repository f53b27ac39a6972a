#include "store/internal.h"

void store_gate_init(struct store_gate *gate)
{
    *gate = (struct store_gate){0};
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

void store_gate_done(struct store_gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
}

void store_gate_enter(struct store_gate *gate, bool is_writer)
{
    pthread_mutex_lock(&gate->lock);
    if (is_writer) {
        while (gate->busy || gate->waiting > 0)
            pthread_cond_wait(&gate->changed, &gate->lock);
    } else {
        gate->waiting++;
        while (gate->busy)
            pthread_cond_wait(&gate->changed, &gate->lock);
        gate->waiting--;
    }
    gate->busy = true;
    pthread_mutex_unlock(&gate->lock);
}

void store_gate_leave(struct store_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->busy = false;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}
