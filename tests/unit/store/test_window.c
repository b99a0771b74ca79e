#include "store/window.h"
#include "support/unit.h"

static struct id id(uint64_t value)
{
    return (struct id){value};
}

static void the_mark_is_the_newest_event_while_nothing_is_outstanding(void **state)
{
    struct window window;

    (void)state;
    window_init(&window, id(100));
    assert_int_equal(window_mark(&window).value, 100);
    window_add(&window, id(110), 0);
    assert_int_equal(window_mark(&window).value, 110);
    window_clear(&window);
}

static void the_mark_stays_below_the_oldest_outstanding_event(void **state)
{
    struct window window;

    (void)state;
    window_init(&window, ID_NONE);
    window_add(&window, id(10), 2);
    window_add(&window, id(20), 1);
    window_add(&window, id(30), 1);
    window_settle(&window, id(20));
    window_settle(&window, id(10));
    assert_int_equal(window_mark(&window).value, 9);
    window_settle(&window, id(10));
    assert_int_equal(window_mark(&window).value, 29);
    window_settle(&window, id(30));
    assert_int_equal(window_mark(&window).value, 30);
    assert_int_equal(window.passed, 3);
    window_clear(&window);
}

static void it_holds_any_number_of_events_while_the_front_waits(void **state)
{
    enum { MANY = 100000 };
    struct window window;

    (void)state;
    window_init(&window, ID_NONE);
    for (uint64_t i = 1; i <= 700; i++) { /* the ring begins somewhere in its middle */
        window_add(&window, id(i), 1);
        window_settle(&window, id(i));
    }
    for (uint64_t i = 1001; i <= 1000 + MANY; i++) {
        window_add(&window, id(i), 1);
    }
    for (uint64_t i = 1000 + MANY; i > 1001; i--) {
        window_settle(&window, id(i));
        assert_int_equal(window_mark(&window).value, 1000);
    }
    window_settle(&window, id(1001));
    assert_int_equal(window_mark(&window).value, 1000 + MANY);
    window_clear(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mark_is_the_newest_event_while_nothing_is_outstanding),
        cmocka_unit_test(the_mark_stays_below_the_oldest_outstanding_event),
        cmocka_unit_test(it_holds_any_number_of_events_while_the_front_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
