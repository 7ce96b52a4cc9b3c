#include "walk.h"

#include <string.h>

// How a field is read from its node and written.
typedef enum FieldKind {
    field_node,
    field_string,
    field_byte,
    field_short,
    field_word,
    field_long,
    field_location,
} FieldKind;

typedef struct Field {
    uint16_t offset;
    uint8_t kind;
} Field;

typedef struct NodeDescription {
    uint32_t node;
    uint32_t field_count;
    const Field *fields;
} NodeDescription;

// FOR_EACH(macro, node, a, b, ...) is macro(node, a) macro(node, b) ...
#define PARENTHESES ()
#define EXPAND(...) EXPAND3(EXPAND3(EXPAND3(__VA_ARGS__)))
#define EXPAND3(...) EXPAND2(EXPAND2(EXPAND2(__VA_ARGS__)))
#define EXPAND2(...) EXPAND1(EXPAND1(EXPAND1(__VA_ARGS__)))
#define EXPAND1(...) __VA_ARGS__
#define FOR_EACH(macro, node, ...) __VA_OPT__(EXPAND(FOR_EACH_STEP(macro, node, __VA_ARGS__)))
#define FOR_EACH_STEP(macro, node, field, ...)                                                                        \
    macro(node, field) __VA_OPT__(FOR_EACH_AGAIN PARENTHESES(macro, node, __VA_ARGS__))
#define FOR_EACH_AGAIN() FOR_EACH_STEP

// The compiler knows the type of each field, so that no list can be wrong about it. Pointers are those to nodes.
#define FIELD_KIND(node, field)                                                                                       \
    _Generic(((node *)0)->field,                                                                                      \
        char *: field_string,                                                                                         \
        const char *: field_string,                                                                                   \
        bool: field_byte,                                                                                             \
        char: field_byte,                                                                                             \
        int16: field_short,                                                                                           \
        int: field_word,                                                                                              \
        unsigned int: field_word,                                                                                     \
        long: field_long,                                                                                             \
        default: field_node)
#define IS_LOCATION(name)                                                                                             \
    (__builtin_strcmp(name, "location") == 0 || __builtin_strcmp(name, "stmt_location") == 0 ||                       \
     __builtin_strcmp(name, "stmt_len") == 0)
#define FIELD(node, field)                                                                                            \
    {offsetof(node, field), IS_LOCATION(#field) ? field_location : FIELD_KIND(node, field)},

#define FIELDS(node, ...) static const Field fields_##node[] = {FOR_EACH(FIELD, node, __VA_ARGS__)};
MILLRACE_NODES(FIELDS)

#define DESCRIPTION(node, ...)                                                                                        \
    [T_##node] = {MillraceNode##node, sizeof fields_##node / sizeof(Field), fields_##node},
static const NodeDescription descriptions[] = {MILLRACE_NODES(DESCRIPTION)};

#define DESCRIPTION_TEXT(node, ...) #node " " FOR_EACH(FIELD_TEXT, node, __VA_ARGS__),
#define FIELD_TEXT(node, field) #field " "
static const char *const description_texts[] = {MILLRACE_NODES(DESCRIPTION_TEXT)};

const char *millrace_node_description(size_t number) {
    return number < sizeof description_texts / sizeof description_texts[0] ? description_texts[number] : NULL;
}

// Makes room for so many words and returns where they go.
static uint32_t *reserve(MillraceWriter *writer, size_t count) {
    if (writer->capacity - writer->count < count) {
        size_t capacity = writer->capacity + count > 512 ? 2 * (writer->capacity + count) : 1024;
        // Several hundred times the size of a statement at most, and so beyond what palloc() alone allows.
        uint32_t *words =
            MemoryContextAllocExtended(CurrentMemoryContext, capacity * sizeof(uint32_t), MCXT_ALLOC_HUGE);
        if (writer->count > 0) {
            memcpy(words, writer->words, writer->count * sizeof(uint32_t));
            pfree(writer->words);
        }
        writer->words = words;
        writer->capacity = capacity;
    }
    return writer->words + writer->count;
}

static void write_word(MillraceWriter *writer, uint32_t word) {
    *reserve(writer, 1) = word;
    writer->count += 1;
}

static void write_location(MillraceWriter *writer, int location) {
    write_word(writer, writer->omit_locations ? 0 : (uint32_t)location);
}

static void write_string(MillraceWriter *writer, const char *string) {
    if (string == NULL) {
        write_word(writer, 0);
        return;
    }
    size_t length = strlen(string);
    size_t words = (length + sizeof(uint32_t) - 1) / sizeof(uint32_t);
    uint32_t *place = reserve(writer, words + 1);
    place[0] = (uint32_t)length + 1;
    if (words > 0) {
        place[words] = 0;
        memcpy(place + 1, string, length);
    }
    writer->count += words + 1;
}

static void write_node(MillraceWriter *writer, const Node *node);

static void write_list(MillraceWriter *writer, const List *list) {
    int length = list_length(list);
    write_word(writer, MillraceNodeList);
    write_word(writer, (uint32_t)length);
    for (int i = 0; i < length; i++) write_node(writer, list_nth(list, i));
}

static void write_value(MillraceWriter *writer, uint32_t node, const char *string) {
    write_word(writer, node);
    write_string(writer, string);
}

static void write_constant(MillraceWriter *writer, const A_Const *constant) {
    write_word(writer, MillraceNodeA_Const);
    write_word(writer, constant->isnull);
    write_node(writer, constant->isnull ? NULL : &constant->val.node);
    write_location(writer, constant->location);
}

static void write_field(MillraceWriter *writer, const Field *field, const char *at) {
    switch ((FieldKind)field->kind) {
    case field_node: write_node(writer, *(const Node *const *)at); break;
    case field_string: write_string(writer, *(const char *const *)at); break;
    case field_byte: write_word(writer, *(const uint8_t *)at); break;
    case field_short: write_word(writer, (uint32_t) * (const int16_t *)at); break;
    case field_location: write_location(writer, *(const int *)at); break;
    case field_word: write_word(writer, *(const uint32_t *)at); break;
    case field_long: {
        uint64_t value = (uint64_t) * (const long *)at;
        write_word(writer, (uint32_t)value);
        write_word(writer, (uint32_t)(value >> 32));
        break;
    }
    }
}

// Every column of `(a, b) = source` points to the same source, which the first one hands over. Nested in one another,
// such sources would otherwise become as many copies as there are ways to them.
static void write_multiple_assignment(MillraceWriter *writer, const MultiAssignRef *assignment) {
    write_word(writer, MillraceNodeMultiAssignRef);
    write_word(writer, (uint32_t)assignment->colno);
    write_word(writer, (uint32_t)assignment->ncolumns);
    write_node(writer, assignment->colno == 1 ? assignment->source : NULL);
}

static void write_described(MillraceWriter *writer, const Node *node) {
    unsigned int tag = nodeTag(node);
    const size_t count = sizeof descriptions / sizeof descriptions[0];
    // A zero entry of the table belongs to a node that is not in the list.
    if (tag >= count || descriptions[tag].node == 0) {
        write_value(writer, MillraceNodeUnsupported, millrace_construct_name(node));
        return;
    }
    const NodeDescription *description = &descriptions[tag];
    write_word(writer, description->node);
    for (uint32_t i = 0; i < description->field_count; i++) {
        const Field *field = &description->fields[i];
        write_field(writer, field, (const char *)node + field->offset);
    }
}

static void write_node(MillraceWriter *writer, const Node *node) {
    if (node == NULL) {
        write_word(writer, MillraceNodeNull);
        return;
    }
    if (writer->stack_exhausted) return;
    if (!millrace_stack_has_room(writer->stack_reserve, writer->max_stack_depth)) {
        writer->stack_exhausted = true;
        return;
    }
    switch (nodeTag(node)) {
    case T_List: write_list(writer, (const List *)node); break;
    case T_Integer:
        write_word(writer, MillraceNodeInteger);
        write_word(writer, (uint32_t)((const Integer *)node)->ival);
        break;
    case T_Boolean:
        write_word(writer, MillraceNodeBoolean);
        write_word(writer, ((const Boolean *)node)->boolval);
        break;
    case T_Float: write_value(writer, MillraceNodeFloat, ((const Float *)node)->fval); break;
    case T_String: write_value(writer, MillraceNodeString, ((const String *)node)->sval); break;
    case T_BitString: write_value(writer, MillraceNodeBitString, ((const BitString *)node)->bsval); break;
    case T_MultiAssignRef: write_multiple_assignment(writer, (const MultiAssignRef *)node); break;
    case T_A_Const: write_constant(writer, (const A_Const *)node); break;
    default: write_described(writer, node); break;
    }
}

void millrace_write_tree(MillraceWriter *writer, const List *statements) { write_list(writer, statements); }
