#include "support/unit.h"
#include "wire/wapi/form.h"

#include <string.h>

enum { VALUE_BYTES_MAX = 200 };

/* As a shell client's. */
static const char urlencoded[] = "application/x-www-form-urlencoded";
static const char multipart[] = "multipart/form-data; boundary=edge";

static void assert_found(const char *content_type, const char *body, const char *expected)
{
    struct buf value;

    buf_init(&value, VALUE_BYTES_MAX);
    assert_int_equal(wapi_form_find(slice_of(content_type), slice_of(body), "request", &value), OK);
    assert_string_equal(buf_cstr(&value), expected);
    buf_clear(&value);
}

static void assert_err(const char *content_type, const char *body, enum err expected)
{
    struct buf value;

    buf_init(&value, VALUE_BYTES_MAX);
    assert_int_equal(wapi_form_find(slice_of(content_type), slice_of(body), "request", &value),
                     expected);
    buf_clear(&value);
}

static void a_value_is_decoded(UNUSED void **state)
{
    assert_found(urlencoded, "request=%3Ca%3E+%26%2B%25%c3%a9%3C%2Fa%3E", "<a> &+%\xc3\xa9</a>");
}

static void a_raw_document_is_its_own_encoding(UNUSED void **state)
{
    assert_found(urlencoded, "request=<?xml version=\"1.0\"?>\n<request><user>a</user></request>\n",
                 "<?xml version=\"1.0\"?>\n<request><user>a</user></request>\n");
}

static void a_pair_is_split_at_its_first_equals_sign(UNUSED void **state)
{
    assert_found(urlencoded, "request=a=b==c", "a=b==c");
}

static void other_parameters_do_not_matter(UNUSED void **state)
{
    assert_found(urlencoded, "a=1&&b&=&request=x&requests=y&c=%20", "x");
    assert_found(urlencoded, "%72equest=x", "x");
}

static void an_unknown_content_type_is_read_as_urlencoded(UNUSED void **state)
{
    assert_found("", "request=x", "x");
    assert_found("text/xml; charset=utf-8", "request=x", "x");
    assert_found("application/x-www-form-urlencoded; charset=UTF-8", "request=x", "x");
}

static void what_is_not_there_is_not_found(UNUSED void **state)
{
    assert_err(urlencoded, "", ERR_NOT_FOUND);
    assert_err(urlencoded, "Request=x", ERR_NOT_FOUND);
    assert_err(urlencoded, "requests=x", ERR_NOT_FOUND);
    assert_err(urlencoded, "<request><user>a</user></request>", ERR_NOT_FOUND);
    assert_err(multipart, "", ERR_NOT_FOUND);
}

static void an_empty_value_is_there(UNUSED void **state)
{
    assert_found(urlencoded, "request=", "");
    assert_found(urlencoded, "request", "");
}

static void twice_is_once_too_often(UNUSED void **state)
{
    assert_err(urlencoded, "request=x&request=x", ERR_CONFLICT);
    assert_err(multipart,
               "--edge\r\nContent-Disposition: form-data; name=request\r\n\r\nx\r\n"
               "--edge\r\nContent-Disposition: form-data; name=request\r\n\r\nx\r\n--edge--\r\n",
               ERR_CONFLICT);
}

static void a_broken_escape_is_refused(UNUSED void **state)
{
    assert_err(urlencoded, "request=100% sure", ERR_INVALID);
    assert_err(urlencoded, "request=%4", ERR_INVALID);
    assert_err(urlencoded, "%zz=1&request=x", ERR_INVALID);
}

static void a_value_that_is_too_long_is_told(UNUSED void **state)
{
    char body[VALUE_BYTES_MAX + 16] = "request=";
    size_t from = strlen(body);

    memset(body + from, 'x', VALUE_BYTES_MAX);
    assert_found(urlencoded, body, body + from);
    body[from + VALUE_BYTES_MAX] = 'x';
    assert_err(urlencoded, body, ERR_LIMIT);
}

static void a_part_is_taken_as_it_is(UNUSED void **state)
{
    assert_found(multipart,
                 "--edge\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n"
                 "--edge\r\nContent-Type: text/plain; charset=UTF-8\r\n"
                 "content-disposition: form-data; filename=\"a;b\\\".xml\"; Name=\"request\"\r\n"
                 "\r\n<a>&amp;+%41\r\n\r\n</a>\r\n--edge--\r\n",
                 "<a>&amp;+%41\r\n\r\n</a>");
}

static void a_boundary_may_be_quoted_and_have_words_before_it(UNUSED void **state)
{
    static const char body[] = "this is ignored\r\n--a b\r\n"
                               "Content-Disposition: form-data; name=request\r\n\r\nx\r\n"
                               "--a b--\r\nthis too";

    assert_found("Multipart/Form-Data ; charset=utf-8; boundary=\"a b\"", body, "x");
}

static void a_part_may_be_empty(UNUSED void **state)
{
    assert_found(multipart,
                 "--edge\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n\r\n--edge--",
                 "");
}

static void parts_that_make_no_sense_are_refused(UNUSED void **state)
{
    static const char *const bodies[] = {
        "request=x",
        "--edge",
        "--edge\r\n",
        "--edge\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\nx",
        "--edge\r\nContent-Disposition: form-data; name=\"request\"\r\nx\r\n--edge--\r\n",
        "--edge\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\nx\r\n--edg",
    };

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_err(multipart, bodies[i], ERR_INVALID);
    }
    assert_err("multipart/form-data", "--\r\n\r\n\r\n----", ERR_INVALID);
    assert_err("multipart/form-data; boundary=", "--\r\n\r\n\r\n----", ERR_INVALID);
    assert_err("multipart/form-data; boundary="
               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
               "--x", ERR_INVALID);
}

static void a_part_without_a_name_is_passed_over(UNUSED void **state)
{
    assert_err(multipart, "--edge\r\n\r\nx\r\n--edge--", ERR_NOT_FOUND);
    assert_err(multipart, "--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n--edge--",
               ERR_NOT_FOUND);
    assert_err(multipart, "--edge\r\nContent-Disposition: form-data; name\r\n\r\nx\r\n--edge--",
               ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_decoded),
        cmocka_unit_test(a_raw_document_is_its_own_encoding),
        cmocka_unit_test(a_pair_is_split_at_its_first_equals_sign),
        cmocka_unit_test(other_parameters_do_not_matter),
        cmocka_unit_test(an_unknown_content_type_is_read_as_urlencoded),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(an_empty_value_is_there),
        cmocka_unit_test(twice_is_once_too_often),
        cmocka_unit_test(a_broken_escape_is_refused),
        cmocka_unit_test(a_value_that_is_too_long_is_told),
        cmocka_unit_test(a_part_is_taken_as_it_is),
        cmocka_unit_test(a_boundary_may_be_quoted_and_have_words_before_it),
        cmocka_unit_test(a_part_may_be_empty),
        cmocka_unit_test(parts_that_make_no_sense_are_refused),
        cmocka_unit_test(a_part_without_a_name_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
