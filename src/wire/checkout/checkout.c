#include "wire/checkout/checkout.h"

#include "wire/checkout/merchant.h"
#include "wire/checkout/notification.h"

const struct dialect dialect_checkout = {
    .name = "checkout",
    .kinds = 1U << CHANNEL_QUEUE,
    .rules =
        {
            .login = "merchant_id",
            .check_credentials = merchant_check_credentials,
            .makes_queue = true,
        },
    .carries = notification_is_in,
};
