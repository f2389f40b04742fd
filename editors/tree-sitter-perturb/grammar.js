/**
 * The tree-sitter grammar of `.chaos`. `grammar/chaos.pest` is the only authority; this follows it for texts without mistakes.
 *
 * Nodes have the names, the ranges and the nesting of Perturb's own tree (`src/syntax/kind.rs`, in snake_case), so that a query
 * and a refactoring speak of the same things; `tests/editor/tree_sitter.rs` compares the two trees of every file of the repository.
 * Where the language is about line ends, blanks and texts, `src/scanner.c` decides.
 *
 * What pest reads as a mistake with a message of its own is an error here: an editor has the language server for messages.
 */

// How tightly operators bind: `src/syntax/binding.rs`.
const LEVEL = { whole: -1, not: 2, compare: 4, range: 5, sum: 6, product: 7, share: 8, convert: 9, sign: 10 };

// The words that open a line of a block. As `word:` each of them is a field all the same.
const LINE_WORDS = [
  'abort', 'agenda', 'approval', 'ask', 'check', 'engine', 'every', 'expect', 'forbid', 'for', 'guard', 'hypothesis', 'let', 'method',
  'never', 'note', 'only', 'parallel', 'recovery', 'require', 'run', 'sequence', 'wait', 'with',
];

// Characters outside of ASCII are part of words, but for the quotes that a word processor makes.
const BEYOND = '\\u{80}-\\u{AA}\\u{AC}-\\u{BA}\\u{BC}-\\u{2017}\\u{201F}-\\u{10FFFF}';
const WORD = new RegExp(`[A-Za-z_${BEYOND}]([A-Za-z0-9_${BEYOND}]|-+[A-Za-z0-9_${BEYOND}])*`, 'u');

/** One or more, separated; one separator more may stand at the end. */
const separated = (separator, rule) => seq(rule, repeat(seq(separator, rule)), optional(separator));

/** The members of a block: fields and lines, each on a line of its own or behind a comma. */
const members = ($, ...rules) => seq('{', optional(separated(choice(',', $._newline), choice(...rules))), '}');

module.exports = grammar({
  name: 'perturb',

  extras: $ => [/[ \t\r\n]/, $.comment, $.doc_comment, $.file_doc],

  externals: $ => [
    // The end of a line where a block's next member begins: not where the next line goes on with `and`, `within` and such.
    $._newline,
    // The end of a line before `name:` in parentheses.
    $._newline_before_name,
    // The end of a line before a name to import.
    $._newline_before_import,
    $._line_chunk,
    $._block_chunk,
    // Operators with blanks on both sides, and a sign right before its operand.
    $._sum_operator,
    $._product_operator,
    $._sign,
    // Never in a rule: valid only while the parser recovers from an error.
    $._recovering,
  ],

  word: $ => $.word,

  conflicts: $ => [[$.path]],

  rules: {
    file: $ => repeat(choice($._item, ',')),

    word: _ => token(WORD),
    // Any number with its unit, a date, a clock: one lexeme, right or wrong.
    number: _ => token(new RegExp(`[0-9]([0-9%A-Za-z_${BEYOND}]|[.:-][0-9]|/[a-z])*`, 'u')),

    // `////` is a comment like any other.
    comment: _ => token(/\/\/(\/\/[^\r\n]*|[^\/!\r\n][^\r\n]*)?/),
    doc_comment: _ => token(/\/\/\/([^\/\r\n][^\r\n]*)?/),
    file_doc: _ => token(/\/\/![^\r\n]*/),

    // ------------------------------------------------------------------------------------------------------------ items

    _item: $ => choice(
      $.import, $.record_item, $.metric, $.fault, $.scenario, $.experiment, $.verify, $.policy, $.gameday, $.let,
    ),

    import: $ => seq('import', field('from', choice($.path, $.text)), optional(choice($.import_names, $.import_as))),
    import_names: $ => seq(
      optional(choice('.', token.immediate('.'))), '{', optional(separated(choice(',', $._newline_before_import), $.word)), '}',
    ),
    import_as: $ => seq('as', field('name', $.word)),

    record_item: $ => seq(
      choice('service', 'team', 'cluster', 'environment', 'slo', 'incident'),
      field('name', $.word),
      field('body', alias($.item_block, $.block)),
    ),
    metric: $ => seq(
      'metric', field('name', $.word), $.params, optional(seq(':', $.type_ref)), field('body', alias($.item_block, $.block)),
    ),
    fault: $ => seq('fault', field('name', $.word), $.params, field('body', alias($.item_block, $.block))),
    scenario: $ => seq('scenario', field('name', $.word), $.params, field('body', alias($.item_block, $.block))),
    experiment: $ => seq(
      'experiment',
      field('name', $.word),
      choice(
        seq($.made_from, optional(field('body', alias($.item_block, $.block)))),
        field('body', alias($.item_block, $.block)),
      ),
    ),
    made_from: $ => seq('=', $.call),
    verify: $ => seq('verify', field('name', $.word), field('body', alias($.item_block, $.block))),
    policy: $ => seq('policy', field('name', $.word), field('body', alias($.item_block, $.block))),
    gameday: $ => seq('gameday', field('name', $.word), field('body', alias($.item_block, $.block))),

    // ------------------------------------------------------------------------------------------------ parameters, types

    params: $ => seq('(', optional(separated(choice(',', $._newline_before_name), $.param)), ')'),
    param: $ => seq(field('name', $.word), ':', field('type', $.type_ref), optional(seq('=', field('default', $._expr)))),
    type_ref: $ => seq(
      choice(
        seq('[', $.type_ref, ']'),
        seq($.word, optional(seq('in', choice($._operand, alias($.bounds, $.range_expr)))), repeat(seq('|', $.word))),
      ),
      optional(token.immediate('?')),
    ),
    bounds: $ => seq($._operand, '..', $._operand),

    // ----------------------------------------------------------------------------------------------------------- blocks

    // The block of an item may hold sections, any other may not.
    item_block: $ => members($, $.field, $.section, $.engine, $._line),
    block: $ => members($, $.field, $._line),
    // `{ key: value }` as a value.
    record: $ => members($, alias($.record_field, $.field)),

    section: $ => seq(choice('hypothesis', 'guard', 'method', 'agenda'), field('body', $.block)),
    engine: $ => seq('engine', field('name', $.word), field('body', $.block)),

    field: $ => seq(
      field('key', choice($.word, alias(choice(...LINE_WORDS), $.word), $.quoted_key)), ':', field('value', $._expr),
    ),
    record_field: $ => seq(field('key', choice($.word, $.quoted_key)), ':', field('value', $._expr)),
    quoted_key: $ => $.text,

    // ------------------------------------------------------------------------------------------------------------ lines

    _line: $ => choice(
      $.let, $.expect, $.check, $.recovery, $.abort, $.hours, $.never, $.approval, $.with, $.wait, $.parallel, $.sequence, $.each,
      $.ask, $.note, $.run, $.every, $.demand, $.inject,
    ),

    let: $ => seq('let', field('name', $.word), '=', field('value', $._expr)),
    expect: $ => seq('expect', field('name', $.word), ':', field('value', $._expr), repeat($._tail)),
    check: $ => seq('check', field('name', $.word), ':', field('value', $._expr), repeat($._tail)),
    recovery: $ => seq('recovery', optional($.word), repeat($._tail)),
    abort: $ => seq('abort', 'when', field('value', $._expr), repeat($._tail)),
    hours: $ => seq(
      'only', 'on', optional($.word),
      choice(
        seq('..', $.word, optional($.number), optional(seq('..', $.number))),
        optional(seq($.number, optional(seq('..', $.number)))),
      ),
      optional('in'), optional($.text),
    ),
    never: $ => seq('never', 'on', optional($.number), optional(seq('..', $.number)), repeat($._tail)),
    approval: $ => seq('approval', 'by', $._expr),
    with: $ => seq('with', $.call, field('body', $.block)),
    wait: $ => seq('wait', $._expr, repeat($._tail)),
    parallel: $ => seq('parallel', field('body', $.block)),
    sequence: $ => seq('sequence', field('body', $.block)),
    each: $ => seq('for', 'each', $.over, field('body', $.block)),
    over: $ => seq(field('name', $.word), 'in', $._expr, optional(seq('where', $._expr))),
    ask: $ => seq('ask', $.path, $.text, repeat($._tail)),
    note: $ => seq('note', optional($.path), $.text, repeat($._tail)),
    run: $ => seq('run', $.path, optional($.args), repeat($._tail)),
    every: $ => seq('every', field('cron', $.text), optional('in'), optional($.text)),
    demand: $ => seq(choice('require', 'forbid'), $._expr, repeat($._tail)),
    inject: $ => seq($.call, repeat($._tail), optional(field('body', $.block))),

    call: $ => seq(field('function', $.path), $.args),
    path: $ => seq($.word, repeat(seq(token.immediate('.'), alias($._next_word, $.word)))),
    _next_word: _ => token.immediate(WORD),

    _tail: $ => choice($.within, $.hold, $.for_each, $.phase, $.because),
    within: $ => seq('within', $._expr),
    hold: $ => seq('for', $._expr),
    for_each: $ => seq('for', 'each', $.over),
    phase: $ => seq(choice(seq('but', $._comparison, $._expr), 'only', 'except'), 'during', 'faults'),
    because: $ => seq('because', $.text),

    // ------------------------------------------------------------------------------------------------------ expressions

    // `and` beside `or` wants parentheses, so neither is an operand of the other.
    _expr: $ => choice($._clause, $.and_expr, $.or_expr),
    and_expr: $ => seq($._clause, repeat1(seq('and', $._clause))),
    or_expr: $ => seq($._clause, repeat1(seq('or', $._clause))),

    _clause: $ => choice($.not_expr, $.compare_expr, $.in_expr, prec(LEVEL.whole, $._span)),
    not_expr: $ => prec(LEVEL.not, seq('not', $._clause)),

    // Neither comparisons nor ranges stand in a row.
    compare_expr: $ => prec(LEVEL.compare, seq($._span, $._comparison, choice($._span, $.not_expr))),
    _comparison: _ => choice('==', '!=', '<=', '>=', '<', '>'),
    in_expr: $ => prec(LEVEL.compare, seq($._span, optional('not'), 'in', choice($._span, $.not_expr))),
    _span: $ => choice($.range_expr, prec(LEVEL.whole, $._term)),
    range_expr: $ => prec.right(LEVEL.range, seq(
      $._term, '..', choice($._term, $.not_expr), optional(seq('by', choice($._term, $.not_expr))),
    )),

    _term: $ => choice($.arithmetic_expr, $.share_expr, $.convert_expr, $._operand),
    arithmetic_expr: $ => choice(
      prec.left(LEVEL.sum, seq($._term, alias($._sum_operator, $.operator), choice($._term, $.not_expr))),
      prec.left(LEVEL.product, seq($._term, alias($._product_operator, $.operator), choice($._term, $.not_expr))),
    ),
    share_expr: $ => prec.left(LEVEL.share, seq($._term, 'of', choice($._term, $.not_expr))),
    convert_expr: $ => prec.left(LEVEL.convert, seq($._term, 'as', choice($._term, $.not_expr))),

    _operand: $ => choice($.sign_expr, $._primary),
    sign_expr: $ => prec(LEVEL.sign, seq(alias($._sign, $.operator), $._operand)),

    _primary: $ => choice(
      $.name_expr, $.number_expr, $.text, $.list, alias($.record, $.block), $.group, $.match, $.member_expr, $.call_expr,
    ),
    name_expr: $ => $.word,
    number_expr: $ => $.number,
    member_expr: $ => seq(
      $._primary, choice(token.immediate('.'), token.immediate('?.')), field('member', alias($._next_word, $.word)),
    ),
    call_expr: $ => seq(field('function', $._primary), $.args),

    list: $ => seq('[', optional(separated(choice(',', $._newline), $._expr)), ']'),
    args: $ => seq(token.immediate('('), optional(separated(choice(',', $._newline_before_name), $.arg)), ')'),
    arg: $ => choice(seq(field('name', choice($.word, $.quoted_key)), ':', field('value', $._expr)), $._expr),
    group: $ => seq('(', $._expr, ')'),

    match: $ => seq('match', field('subject', $._operand), $.arms),
    arms: $ => seq('{', optional(separated(choice(',', $._newline), $.arm)), '}'),
    arm: $ => seq($.word, repeat(seq('|', $.word)), ':', field('value', $._expr)),

    // ------------------------------------------------------------------------------------------------------------ texts

    text: $ => choice(
      seq('"', repeat(choice(alias($.line_part, $.text_part), $.hole)), token.immediate('"')),
      seq('"""', repeat(choice(alias($.block_part, $.text_part), $.hole)), token.immediate('"""')),
    ),
    line_part: $ => prec.right(repeat1(choice($._line_chunk, alias($.line_escape, $.escape)))),
    // A long text has one escape: queries are full of backslashes that are theirs.
    block_part: $ => prec.right(repeat1(choice($._block_chunk, alias($.block_escape, $.escape)))),
    line_escape: _ => token.immediate(choice(/\\[^\r\n]/, '$${')),
    block_escape: _ => token.immediate('$${'),
    hole: $ => seq(token.immediate('${'), $._expr, '}'),
  },
});
