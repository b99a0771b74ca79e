#include "wire/doors.h"

#include "wire/checkout/checkout.h"
#include "wire/native/native.h"
#include "wire/shopcart/shopcart.h"
#include "wire/wapi/wapi.h"

void doors_tables(struct route_table out[DOORS])
{
    static const struct route_table *const tables[DOORS] = {
        &native_routes,
        &wapi_routes,
        &shopcart_routes,
        &checkout_routes,
    };

    for (size_t i = 0; i < DOORS; i++) {
        out[i] = *tables[i];
    }
}
