#include "base/mem.h"
#include "base/xml.h"
#include "support/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 4 * 1024 * 1024 };

static const struct xml_limits usual = {.depth_max = 32, .nodes_max = 1000};

/* ---- Helpers ---- */

static struct xml_doc *parsed(struct slice text)
{
    struct xml_doc *doc = NULL;
    struct diag diag = {0};

    if (xml_parse(text, &usual, &doc, &diag) != OK) {
        fail_msg("%s", diag.text);
    }
    return doc;
}

static void assert_refused(struct slice text, const struct xml_limits *limits, enum err expected,
                           const char *words)
{
    struct xml_doc *doc = NULL;
    struct diag diag = {0};

    assert_int_equal(xml_parse(text, limits, &doc, &diag), expected);
    assert_null(doc);
    if (strstr(diag.text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", diag.text, words);
    }
}

static void assert_invalid(const char *text, const char *words)
{
    assert_refused(slice_of(text), &usual, ERR_INVALID, words);
}

static void assert_text(struct xml element, const char *expected)
{
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    xml_text(element, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_clear(&text);
}

static void assert_text_of(const char *document, const char *expected)
{
    struct xml_doc *doc = parsed(slice_of(document));

    assert_text(xml_root(doc), expected);
    xml_doc_free(doc);
}

static void assert_attribute(struct xml element, const char *name, const char *expected)
{
    struct buf value;

    buf_init(&value, TEXT_BYTES_MAX);
    assert_true(xml_attribute(element, name, &value));
    assert_string_equal(buf_cstr(&value), expected);
    buf_clear(&value);
}

static void add_times(struct buf *out, size_t times, const char *text)
{
    for (size_t i = 0; i < times; i++) {
        buf_text(out, text);
    }
}

/* ---- Reading ---- */

static void reads_elements_in_their_order(UNUSED void **state)
{
    struct xml_doc *doc = parsed(SLICE("<request>\n <user>harbor</user>\n <data><id>51</id></data>"
                                       "<data/><user>second</user></request>"));
    struct xml root = xml_root(doc);
    struct xml child = xml_first(root);

    assert_slice_is(xml_name(root), "request");
    assert_slice_is(xml_name(child), "user");
    assert_text(child, "harbor");
    child = xml_next(child);
    assert_slice_is(xml_name(child), "data");
    assert_text(xml_child(child, "id"), "51");
    child = xml_next(xml_next(child));
    assert_text(child, "second");
    assert_false(xml_exists(xml_next(child)));
    assert_int_equal(xml_count(root, "data"), 2);
    assert_int_equal(xml_count(root, "id"), 0);
    xml_doc_free(doc);
}

static void what_does_not_exist_has_nothing(UNUSED void **state)
{
    struct xml_doc *doc = parsed(SLICE("<a/>"));
    struct xml none = xml_child(xml_root(doc), "b");
    struct buf out;

    buf_init(&out, 10);
    assert_false(xml_exists(none));
    assert_false(xml_exists(xml_first(none)));
    assert_false(xml_exists(xml_next(none)));
    assert_false(xml_exists(xml_child(none, "c")));
    assert_int_equal(xml_name(none).len, 0);
    assert_int_equal(xml_count(none, "c"), 0);
    assert_false(xml_attribute(none, "c", &out));
    xml_text(none, &out);
    assert_int_equal(out.len, 0);
    buf_clear(&out);
    xml_doc_free(doc);
}

static void a_child_is_found_by_its_name_in_the_case_that_is_asked_for(UNUSED void **state)
{
    struct xml_doc *doc = parsed(SLICE("<a><Token>1</Token><token>2</token></a>"));

    assert_text(xml_child(xml_root(doc), "token"), "2");
    assert_text(xml_child_nocase(xml_root(doc), "TOKEN"), "1");
    assert_false(xml_exists(xml_child(xml_root(doc), "TOKEN")));
    xml_doc_free(doc);
}

static void text_is_put_together_from_all_its_parts(UNUSED void **state)
{
    assert_text_of("<a>one<b>not this</b> &amp; <![CDATA[<two>&amp;]]><!-- nor this --><?or this?>"
                   "three</a>",
                   "one & <two>&amp;three");
    assert_text_of("<a><![CDATA[]]></a>", "");
    assert_text_of("<a>&lt;&gt;&quot;&apos;&#13;&#x1F600;&#65;</a>", "<>\"'\r\xf0\x9f\x98\x80"
                                                                     "A");
    assert_text_of("<a>\r\n\r</a>", "\n\n");
}

static void a_long_text_is_one_piece(UNUSED void **state)
{
    struct buf document, expected;

    buf_init(&document, TEXT_BYTES_MAX);
    buf_init(&expected, TEXT_BYTES_MAX);
    buf_text(&document, "<a>");
    add_times(&document, 100000, "a text&amp;");
    buf_text(&document, "</a>");
    add_times(&expected, 100000, "a text&");
    assert_text_of(buf_cstr(&document), buf_cstr(&expected));
    buf_clear(&document);
    buf_clear(&expected);
}

static void attributes_are_found_with_their_entities_undone(UNUSED void **state)
{
    struct xml_doc *doc =
        parsed(SLICE("<a one='1' x:two=\"&amp;#38;&lt;&#10;'\" three=''><b one='2'/></a>"));
    struct buf none;

    buf_init(&none, 10);
    assert_attribute(xml_root(doc), "one", "1");
    assert_attribute(xml_root(doc), "two", "&#38;<\n'");
    assert_attribute(xml_root(doc), "three", "");
    assert_attribute(xml_child(xml_root(doc), "b"), "one", "2");
    assert_false(xml_attribute(xml_root(doc), "four", &none));
    buf_clear(&none);
    xml_doc_free(doc);
}

static void namespaces_do_not_matter(UNUSED void **state)
{
    struct xml_doc *doc =
        parsed(SLICE("<s:a xmlns:s='urn:s' xmlns='urn:t'><b/><u:c>1</u:c></s:a>"));

    assert_slice_is(xml_name(xml_root(doc)), "a");
    assert_true(xml_exists(xml_child(xml_root(doc), "b")));
    assert_text(xml_child(xml_root(doc), "c"), "1");
    xml_doc_free(doc);
}

static void namespaces_are_checked_where_that_is_asked_for(UNUSED void **state)
{
    const struct xml_limits strict = {.depth_max = 4, .nodes_max = 9, .checks_namespaces = true};
    struct xml_doc *doc = NULL;

    assert_refused(SLICE("<a><u:b/></a>"), &strict, ERR_INVALID, "prefix");
    assert_refused(SLICE("<a u:b=''/>"), &strict, ERR_INVALID, "prefix");
    assert_int_equal(xml_parse(SLICE("<u:a xmlns:u='urn:u' u:b=''/>"), &strict, &doc, NULL), OK);
    xml_doc_free(doc);
}

static void the_text_may_go_after_the_parse(UNUSED void **state)
{
    static const char document[] = "<a b='c'>text</a>";
    char *text = mem_text(document, sizeof document - 1);
    struct xml_doc *doc = parsed(slice_from(text, sizeof document - 1));

    memset(text, 'x', sizeof document - 1);
    mem_free(text);
    assert_slice_is(xml_name(xml_root(doc)), "a");
    assert_text(xml_root(doc), "text");
    assert_attribute(xml_root(doc), "b", "c");
    xml_doc_free(doc);
}

/* ---- Refusing ---- */

static void what_is_not_well_formed_is_refused_with_its_line(UNUSED void **state)
{
    static const char *const documents[] = {
        "",
        " ",
        "text",
        "<a>",
        "</a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>text",
        "text<a/>",
        "<a b=c/>",
        "<a b/>",
        "<a b='1' b='2'/>",
        "<a b='<'/>",
        "<a>&</a>",
        "<a>&nbsp;</a>",
        "<a>]]></a>",
        "<a>&#0;</a>",
        "<a>&#x1;</a>",
        "<a>&#xD800;</a>",
        "<a>&#x110000;</a>",
        "<a>\x01</a>",
        "<a>\xef\xbf\xbe</a>",
        "<1/>",
        " <?xml version='1.0'?><a/>",
        "<a><!-- -- --></a>",
        "{\"request\":{}}",
    };

    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        assert_invalid(documents[i], "");
    }
    assert_invalid("<a>\n<b>\n</a>", "line 3: ");
}

static void the_words_do_not_quote_the_text(UNUSED void **state)
{
    static const char *const documents[] = {"<a><![CDATA[secret", "<a><!-- secret", "<a>secret",
                                            "<a b='secret", "<a b=secret/>"};

    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        struct xml_doc *doc = NULL;
        struct diag diag = {0};

        assert_int_equal(xml_parse(slice_of(documents[i]), &usual, &doc, &diag), ERR_INVALID);
        assert_null(strstr(diag.text, "secret"));
        assert_null(strchr(diag.text, '?'));
    }
}

static void a_zero_byte_is_refused_wherever_it_is(UNUSED void **state)
{
    assert_refused(SLICE("<a/>\0"), &usual, ERR_INVALID, "zero byte");
    assert_refused(SLICE("<a/>\0<b/>"), &usual, ERR_INVALID, "zero byte");
    assert_refused(SLICE("<a>\0</a>"), &usual, ERR_INVALID, "zero byte");
}

static void a_doctype_is_refused(UNUSED void **state)
{
    static const char *const documents[] = {
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a []><a/>",
        "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/x.dtd'><a/>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd' [<!ENTITY b 'c'>]><a>&b;</a>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        "<!DOCTYPE a [<!ENTITY % b SYSTEM 'http://127.0.0.1:1/'> %b;]><a/>",
        "<!DOCTYPE a [<!ATTLIST a b CDATA 'default'>]><a/>",
    };

    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        assert_invalid(documents[i], "line 1: a DOCTYPE is not taken");
    }
    /* Where it may not be, it is not well-formed. */
    assert_invalid("<a><!DOCTYPE a></a>", "");
    assert_invalid("<!doctype a><a/>", "");
}

static void a_bomb_of_entities_is_refused_before_one_is_declared(UNUSED void **state)
{
    struct buf bomb;

    buf_init(&bomb, TEXT_BYTES_MAX);
    buf_text(&bomb, "<!DOCTYPE a [<!ENTITY l0 'laugh'>");
    for (int i = 1; i < 30; i++) {
        buf_printf(&bomb, "<!ENTITY l%d '&l%d;&l%d;&l%d;&l%d;'>", i, i - 1, i - 1, i - 1, i - 1);
    }
    buf_text(&bomb, "]><a b='&l29;'>&l29;</a>");
    assert_invalid(buf_cstr(&bomb), "DOCTYPE");
    buf_clear(&bomb);
}

static void utf_8_alone_is_taken(UNUSED void **state)
{
    assert_text_of("\xef\xbb\xbf<a>\xc3\xa9</a>", "\xc3\xa9");
    assert_text_of("<?xml version=\"1.0\" encoding=\"utf-8\"?><a>\xc3\xa9</a>", "\xc3\xa9");
    assert_text_of("\xef\xbb\xbf<?xml version='1.0' encoding = 'UTF-8' standalone='yes'?>\n<a/>",
                   "");
    assert_text_of("<?xml version='1.0'?><a>encoding='x'</a>", "encoding='x'");
    assert_invalid("\xef\xbb\xbf\xef\xbb\xbf<a/>", "");
    assert_invalid("<a>\xe9</a>", "not UTF-8");
    assert_invalid("<a>\xc0\xaf</a>", "not UTF-8");
    assert_invalid("<a>\xed\xa0\x80</a>", "not UTF-8");
}

static void another_encoding_is_refused(UNUSED void **state)
{
    static const char *const names[] = {"ISO-8859-1",      "iso-8859-15",  "US-ASCII",
                                        "windows-1252",    "UTF-16",       "UTF-7",
                                        "ISO-10646-UCS-4", "EBCDIC-CP-US", "no-such"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char document[100];

        (void)snprintf(document, sizeof document, "<?xml version='1.0' encoding='%s'?><a/>",
                       names[i]);
        assert_invalid(document, "encoding is not UTF-8");
    }
    assert_invalid("<?xml version='encoding=\"UTF-8\"' encoding='ISO-8859-1'?><a/>", "");
    assert_refused(SLICE("\xff\xfe<\0a\0/\0>\0"), &usual, ERR_INVALID, "not UTF-8");
    assert_refused(SLICE("\xfe\xff\0<\0a\0/\0>"), &usual, ERR_INVALID, "not UTF-8");
    assert_refused(SLICE("<\0a\0/\0>\0"), &usual, ERR_INVALID, "zero byte");
    assert_refused(SLICE("\0\0\0<\0\0\0a\0\0\0/\0\0\0>"), &usual, ERR_INVALID, "zero byte");
    /* "<?xml version='1.0'?><a/>" begins so in EBCDIC. */
    assert_invalid("\x4c\x6f\xa7\x94\x93\x40", "not UTF-8");
    assert_invalid("+ADw-a/+AD4-", "");
}

/* ---- Limits ---- */

static void the_depth_may_be_reached_and_not_passed(UNUSED void **state)
{
    const struct xml_limits two = {.depth_max = 2, .nodes_max = 10};
    struct xml_doc *doc = NULL;

    assert_int_equal(xml_parse(SLICE("<a><b/><b/></a>"), &two, &doc, NULL), OK);
    xml_doc_free(doc);
    assert_refused(SLICE("<a>\n<b><c/></b></a>"), &two, ERR_LIMIT, "line 2: too deep");
}

static void the_greatest_depth_there_is_can_be_read(UNUSED void **state)
{
    const struct xml_limits deep = {.depth_max = XML_DEPTH_MAX, .nodes_max = 1000};
    struct xml_doc *doc = NULL;
    struct buf document;

    buf_init(&document, TEXT_BYTES_MAX);
    add_times(&document, XML_DEPTH_MAX, "<a>");
    add_times(&document, XML_DEPTH_MAX, "</a>");
    assert_int_equal(xml_parse(buf_view(&document), &deep, &doc, NULL), OK);
    xml_doc_free(doc);

    buf_reset(&document);
    add_times(&document, 1000000, "<a>");
    assert_refused(buf_view(&document), &deep, ERR_LIMIT, "too deep");
    buf_clear(&document);
}

static void elements_texts_attributes_and_namespaces_count_together(UNUSED void **state)
{
    const struct xml_limits five = {.depth_max = 10, .nodes_max = 5};
    struct xml_doc *doc = NULL;

    assert_int_equal(xml_parse(SLICE("<a b='' c=''>text<d/></a>"), &five, &doc, NULL), OK);
    xml_doc_free(doc);
    assert_refused(SLICE("<a b='' c='' d=''>text<d/></a>"), &five, ERR_LIMIT, "too many");
    assert_refused(SLICE("<a b='' c=''>text<d/>more</a>"), &five, ERR_LIMIT, "too many");
    assert_refused(SLICE("<a b='' xmlns:c='c' xmlns:d='d'>text<d/></a>"), &five, ERR_LIMIT,
                   "too many");
}

static void too_many_attributes_are_refused_before_they_are_compared(UNUSED void **state)
{
    const struct xml_limits wide = {.depth_max = 10, .nodes_max = 10000000};
    struct xml_doc *doc = NULL;
    struct buf document;

    buf_init(&document, TEXT_BYTES_MAX);
    buf_text(&document, "<!-- <a ");
    add_times(&document, 1000, "=");
    buf_text(&document, "--><a ");
    for (int i = 0; i < XML_ATTRIBUTES_MAX; i++) {
        buf_printf(&document, "a%d='=>' ", i);
    }
    size_t len = document.len;
    buf_text(&document, "><![CDATA[<a ");
    add_times(&document, 1000, "=");
    buf_text(&document, "]]></a>");
    assert_int_equal(xml_parse(buf_view(&document), &wide, &doc, NULL), OK);
    xml_doc_free(doc);

    buf_cut(&document, len);
    for (int i = 0; i < 300000; i++) {
        buf_printf(&document, "b%d=''\n", i);
    }
    buf_text(&document, "/>");
    assert_refused(buf_view(&document), &wide, ERR_LIMIT, "attributes");
    buf_clear(&document);
}

static void a_huge_attribute_is_read(UNUSED void **state)
{
    struct buf document, expected;

    buf_init(&document, TEXT_BYTES_MAX);
    buf_init(&expected, TEXT_BYTES_MAX);
    buf_text(&document, "<a b='");
    add_times(&document, 200000, "&lt;x");
    buf_text(&document, "'/>");
    add_times(&expected, 200000, "<x");
    struct xml_doc *doc = parsed(buf_view(&document));
    assert_attribute(xml_root(doc), "b", buf_cstr(&expected));
    xml_doc_free(doc);
    buf_clear(&document);
    buf_clear(&expected);
}

/* ---- libxml2 as a guest ---- */

static void nothing_is_ever_written_to_stderr(UNUSED void **state)
{
    static const char *const documents[] = {
        "<a>&b;<c></a>",
        "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/'><a/>",
        "<a:b xmlns:c=''/",
        "<?xml version='9.9'?><a>",
    };
    char path[] = "/tmp/test_xml_XXXXXX";
    int file = mkstemp(path);
    int before = dup(STDERR_FILENO);

    assert_true(file >= 0 && before >= 0);
    (void)unlink(path);
    (void)dup2(file, STDERR_FILENO);
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        struct xml_doc *doc = NULL;

        assert_int_equal(xml_parse(slice_of(documents[i]), &usual, &doc, NULL), ERR_INVALID);
    }
    (void)dup2(before, STDERR_FILENO);
    assert_int_equal(lseek(file, 0, SEEK_END), 0);
    (void)close(before);
    (void)close(file);
}

static void *parse_many(void *ptr)
{
    size_t *right = ptr;

    for (int i = 0; i < 500; i++) {
        struct xml_doc *doc = NULL;
        struct diag diag = {0};
        const char *text = i % 2 == 0 ? "<a><b>text</b></a>" : "<a><b>text</a>";

        enum err err = xml_parse(slice_of(text), &usual, &doc, &diag);
        *right += i % 2 == 0 ? err == OK : err == ERR_INVALID && diag.text[0] != '\0';
        xml_doc_free(doc);
    }
    return NULL;
}

static void threads_parse_side_by_side(UNUSED void **state)
{
    pthread_t threads[4];
    size_t right[ARRAY_LEN(threads)] = {0};

    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, parse_many, &right[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(right[i], 500);
    }
}

/* ---- Writing ---- */

static void assert_escaped(struct slice text, bool is_attribute, const char *expected)
{
    struct buf out;

    buf_init(&out, TEXT_BYTES_MAX);
    xml_escape(&out, text, is_attribute);
    assert_string_equal(buf_cstr(&out), expected);
    buf_clear(&out);
}

static void text_is_escaped_so_that_it_reads_back(UNUSED void **state)
{
    assert_escaped(SLICE("a & b < c > \"d\" 'e' ]]>"), false,
                   "a &amp; b &lt; c &gt; \"d\" 'e' ]]&gt;");
    assert_escaped(SLICE("\t\r\n"), false, "\t&#13;\n");
    assert_escaped(SLICE("<\"'\t\r\n"), true, "&lt;&quot;&#39;&#9;&#13;&#10;");
    assert_escaped(SLICE("\xc3\xa9\xf0\x9f\x98\x80\x7f"), false, "\xc3\xa9\xf0\x9f\x98\x80\x7f");
}

static void what_xml_cannot_hold_is_replaced(UNUSED void **state)
{
    assert_escaped(SLICE("a\0b\x1f"), false,
                   "a\xef\xbf\xbd"
                   "b\xef\xbf\xbd");
    assert_escaped(SLICE("\xff\xe2\x82"), false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_escaped(SLICE("\xef\xbf\xbe\xef\xbf\xbf"), true, "\xef\xbf\xbd\xef\xbf\xbd");
    assert_escaped(SLICE("\xed\xa0\x80"), true, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void elements_are_written_without_white_space(UNUSED void **state)
{
    struct buf out;

    buf_init(&out, 1000);
    xml_begin(&out, SLICE("a"));
    xml_element(&out, "b", SLICE("1 < 2"));
    xml_element(&out, "c", SLICE(""));
    xml_end(&out, SLICE("a"));
    assert_string_equal(buf_cstr(&out), "<a><b>1 &lt; 2</b><c></c></a>");
    buf_clear(&out);
}

static void a_name_is_letters_digits_and_a_few_signs(UNUSED void **state)
{
    static const char *const names[] = {"a", "_", "Z9", "a-b.c_d", "xm", "x", "axml"};
    static const char *const others[] = {"",    "1",    "-a",       ".a",        "a:b", "a b",
                                         "xml", "XmL1", "\xc3\xa9", "a\xc3\xa9", "a<b"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_true(xml_is_name(slice_of(names[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(xml_is_name(slice_of(others[i])));
    }
    assert_false(xml_is_name(SLICE("a\0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_elements_in_their_order),
        cmocka_unit_test(what_does_not_exist_has_nothing),
        cmocka_unit_test(a_child_is_found_by_its_name_in_the_case_that_is_asked_for),
        cmocka_unit_test(text_is_put_together_from_all_its_parts),
        cmocka_unit_test(a_long_text_is_one_piece),
        cmocka_unit_test(attributes_are_found_with_their_entities_undone),
        cmocka_unit_test(namespaces_do_not_matter),
        cmocka_unit_test(namespaces_are_checked_where_that_is_asked_for),
        cmocka_unit_test(the_text_may_go_after_the_parse),
        cmocka_unit_test(what_is_not_well_formed_is_refused_with_its_line),
        cmocka_unit_test(the_words_do_not_quote_the_text),
        cmocka_unit_test(a_zero_byte_is_refused_wherever_it_is),
        cmocka_unit_test(a_doctype_is_refused),
        cmocka_unit_test(a_bomb_of_entities_is_refused_before_one_is_declared),
        cmocka_unit_test(utf_8_alone_is_taken),
        cmocka_unit_test(another_encoding_is_refused),
        cmocka_unit_test(the_depth_may_be_reached_and_not_passed),
        cmocka_unit_test(the_greatest_depth_there_is_can_be_read),
        cmocka_unit_test(elements_texts_attributes_and_namespaces_count_together),
        cmocka_unit_test(too_many_attributes_are_refused_before_they_are_compared),
        cmocka_unit_test(a_huge_attribute_is_read),
        cmocka_unit_test(nothing_is_ever_written_to_stderr),
        cmocka_unit_test(threads_parse_side_by_side),
        cmocka_unit_test(text_is_escaped_so_that_it_reads_back),
        cmocka_unit_test(what_xml_cannot_hold_is_replaced),
        cmocka_unit_test(elements_are_written_without_white_space),
        cmocka_unit_test(a_name_is_letters_digits_and_a_few_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
