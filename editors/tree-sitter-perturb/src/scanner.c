// What a regular expression cannot say of `.chaos`: where a line ends a member, which sign has blanks around it, what a text holds.
//
// Comes in: the text from where the parser stands, and which tokens it could use there. Goes out: one of them, or nothing, and the
// generated lexer goes on. There is no state. Facts: `grammar/chaos.pest` (rules `w`, `to_tail`, `infix`, `text_part`, `block_part`).

#include "tree_sitter/parser.h"

#include <string.h>

enum Token {
  NEWLINE,
  NEWLINE_BEFORE_NAME,
  NEWLINE_BEFORE_IMPORT,
  LINE_CHUNK,
  BLOCK_CHUNK,
  SUM_OPERATOR,
  PRODUCT_OPERATOR,
  SIGN,
  RECOVERING,
};

// Longer than any word that is looked for.
#define LONGEST_WORD 16

static void advance(TSLexer *lexer) { lexer->advance(lexer, false); }

static bool is_blank(int32_t c) { return c == ' ' || c == '\t'; }

static bool is_line_end(int32_t c) { return c == '\n' || c == '\r'; }

static bool is_quote_mark(int32_t c) { return c == 0xAB || c == 0xBB || (c >= 0x2018 && c <= 0x201E); }

static bool is_word_start(int32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= 0x80 && !is_quote_mark(c));
}

static bool is_word_char(int32_t c) { return is_word_start(c) || (c >= '0' && c <= '9'); }

static void blanks(TSLexer *lexer) {
  while (is_blank(lexer->lookahead)) advance(lexer);
}

// Takes a word, and keeps its beginning. `-` is a part of it between two other characters, and where it is not, what follows can
// only be a mistake.
static void take_word(TSLexer *lexer, char word[LONGEST_WORD]) {
  unsigned length = 0;
  while (is_word_char(lexer->lookahead) || lexer->lookahead == '-') {
    if (length < LONGEST_WORD - 1) word[length++] = lexer->lookahead < 0x80 ? (char)lexer->lookahead : '?';
    advance(lexer);
  }
  word[length] = '\0';
}

static bool is_one_of(const char *word, const char *const *words, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    if (strcmp(word, words[i]) == 0) return true;
  }
  return false;
}

#define IS_ONE_OF(word, words) is_one_of(word, words, sizeof(words) / sizeof(words[0]))

// Blanks, line ends and comments. False: there is a single `/`, which is a mistake and taken.
static bool take_trivia(TSLexer *lexer) {
  for (;;) {
    if (is_blank(lexer->lookahead) || is_line_end(lexer->lookahead)) {
      advance(lexer);
    } else if (lexer->lookahead == '/') {
      advance(lexer);
      if (lexer->lookahead != '/') return false;
      while (!lexer->eof(lexer) && !is_line_end(lexer->lookahead)) advance(lexer);
    } else {
      return true;
    }
  }
}

// Whether what stands here, at the begin of a line, goes on with the line before: an operator, or when, how long, why.
static bool goes_on(TSLexer *lexer) {
  static const char *const ALONE[] = {"and", "or", "within", "but", "because", "where", "for"};
  static const char *const WITH_DURING[] = {"only", "except"};
  char word[LONGEST_WORD];
  take_word(lexer, word);
  bool with_during = IS_ONE_OF(word, WITH_DURING);
  bool is_for = strcmp(word, "for") == 0;
  if (!with_during && !IS_ONE_OF(word, ALONE)) return false;
  bool blank = is_blank(lexer->lookahead);
  blanks(lexer);
  if (lexer->lookahead == ':') return false;
  if (!with_during && !is_for) return true;
  char next[LONGEST_WORD];
  take_word(lexer, next);
  if (is_for) return !(blank && strcmp(next, "each") == 0);
  if (!blank || strcmp(next, "during") != 0) return false;
  blanks(lexer);
  return lexer->lookahead != ':';
}

// The end of a line, if a member begins behind it. The token is the line end alone.
static bool scan_newline(TSLexer *lexer, const bool *valid) {
  if (lexer->lookahead == '\r') {
    advance(lexer);
    if (lexer->lookahead == '\n') advance(lexer);
  } else {
    advance(lexer);
  }
  lexer->mark_end(lexer);
  if (!take_trivia(lexer)) {
    lexer->result_symbol = NEWLINE;
    return valid[NEWLINE];
  }
  int32_t next = lexer->lookahead;
  if (lexer->eof(lexer) || next == '}' || next == ')' || next == ']') return false;
  if (valid[NEWLINE_BEFORE_IMPORT]) {
    lexer->result_symbol = NEWLINE_BEFORE_IMPORT;
    return is_word_start(next);
  }
  if (valid[NEWLINE_BEFORE_NAME]) {
    if (!is_word_start(next)) return false;
    char word[LONGEST_WORD];
    take_word(lexer, word);
    blanks(lexer);
    lexer->result_symbol = NEWLINE_BEFORE_NAME;
    return lexer->lookahead == ':';
  }
  lexer->result_symbol = NEWLINE;
  return valid[NEWLINE] && !goes_on(lexer);
}

// `${` and `$${` end a piece of text, any other `$` is a part of it. False: there is no piece before them.
static bool take_dollar(TSLexer *lexer, bool *is_over, bool has_content) {
  *is_over = true;
  if (has_content) {
    // What it is decides the next call, which begins with it.
    lexer->mark_end(lexer);
    advance(lexer);
    if (lexer->lookahead != '{' && lexer->lookahead != '$') *is_over = false;
    return true;
  }
  advance(lexer);
  lexer->mark_end(lexer);
  if (lexer->lookahead == '{') return false;
  if (lexer->lookahead != '$') {
    *is_over = false;
    return true;
  }
  advance(lexer);
  return lexer->lookahead != '{';
}

// A piece of a text on one line.
static bool scan_line_chunk(TSLexer *lexer) {
  bool has_content = false;
  lexer->result_symbol = LINE_CHUNK;
  while (!lexer->eof(lexer) && !is_line_end(lexer->lookahead) && lexer->lookahead != '"' && lexer->lookahead != '\\') {
    if (lexer->lookahead == '$') {
      bool is_over;
      has_content = take_dollar(lexer, &is_over, has_content);
      if (is_over || !has_content) return has_content;
    } else {
      advance(lexer);
      has_content = true;
    }
  }
  lexer->mark_end(lexer);
  return has_content;
}

// Whether an item begins here, at the first column: a long text that holds one has lost its end.
static bool begins_item(TSLexer *lexer) {
  static const char *const ITEMS[] = {
    "experiment", "environment", "service", "scenario", "slo", "team", "cluster", "incident", "metric", "fault", "verify", "policy",
    "gameday",
  };
  if (lexer->lookahead < 'a' || lexer->lookahead > 'z') return false;
  char word[LONGEST_WORD];
  take_word(lexer, word);
  bool is_import = strcmp(word, "import") == 0;
  if (!is_blank(lexer->lookahead) || (!is_import && !IS_ONE_OF(word, ITEMS))) return false;
  blanks(lexer);
  if (is_import) {
    if (lexer->lookahead == 's') {
      take_word(lexer, word);
      return strncmp(word, "std", 3) == 0;
    }
    for (unsigned quotes = 0; quotes < 3; quotes++) {
      if (lexer->lookahead != '"') return quotes > 0;
      advance(lexer);
    }
    return false;
  }
  if (!is_word_start(lexer->lookahead)) return false;
  take_word(lexer, word);
  blanks(lexer);
  if (lexer->lookahead == '{' || lexer->lookahead == '(') return true;
  if (lexer->lookahead != '=') return false;
  advance(lexer);
  return lexer->lookahead != '=';
}

// A piece of a text over several lines.
static bool scan_block_chunk(TSLexer *lexer) {
  bool has_content = false;
  lexer->result_symbol = BLOCK_CHUNK;
  while (!lexer->eof(lexer)) {
    if (lexer->lookahead == '$') {
      bool is_over;
      has_content = take_dollar(lexer, &is_over, has_content);
      if (is_over || !has_content) return has_content;
    } else if (lexer->lookahead == '"') {
      lexer->mark_end(lexer);
      for (unsigned quotes = 0; lexer->lookahead == '"'; advance(lexer)) {
        if (++quotes == 3) return has_content;
      }
      has_content = true;
    } else if (is_line_end(lexer->lookahead)) {
      lexer->mark_end(lexer);
      advance(lexer);
      // Far from it: most lines begin with a blank, and what was taken here belongs to the text.
      if (lexer->lookahead >= 'a' && lexer->lookahead <= 'z' && begins_item(lexer)) return has_content;
      has_content = true;
    } else {
      advance(lexer);
      has_content = true;
    }
  }
  lexer->mark_end(lexer);
  return has_content;
}

// `+`, `-`, `*`, `/`: with blanks on both sides between operands, with none behind it before one.
static bool scan_sign(TSLexer *lexer, const bool *valid, bool blank_before) {
  int32_t sign = lexer->lookahead;
  advance(lexer);
  lexer->mark_end(lexer);
  bool blank_behind = is_blank(lexer->lookahead) || is_line_end(lexer->lookahead) || lexer->eof(lexer);
  bool is_sum = sign == '+' || sign == '-';
  enum Token operator = is_sum ? SUM_OPERATOR : PRODUCT_OPERATOR;
  if (valid[operator] && blank_before && blank_behind) {
    lexer->result_symbol = operator;
    return true;
  }
  lexer->result_symbol = SIGN;
  return valid[SIGN] && is_sum && !blank_behind;
}

void *tree_sitter_perturb_external_scanner_create(void) { return NULL; }

void tree_sitter_perturb_external_scanner_destroy(void *payload) { (void)payload; }

unsigned tree_sitter_perturb_external_scanner_serialize(void *payload, char *buffer) {
  (void)payload;
  (void)buffer;
  return 0;
}

void tree_sitter_perturb_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
  (void)payload;
  (void)buffer;
  (void)length;
}

bool tree_sitter_perturb_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  (void)payload;
  if (valid[RECOVERING]) return false;
  if (valid[LINE_CHUNK]) return scan_line_chunk(lexer);
  if (valid[BLOCK_CHUNK]) return scan_block_chunk(lexer);
  bool blank_before = false;
  while (is_blank(lexer->lookahead)) {
    lexer->advance(lexer, true);
    blank_before = true;
  }
  switch (lexer->lookahead) {
    case '\n':
    case '\r':
      return (valid[NEWLINE] || valid[NEWLINE_BEFORE_NAME] || valid[NEWLINE_BEFORE_IMPORT]) && scan_newline(lexer, valid);
    case '+':
    case '-':
    case '*':
    case '/':
      return scan_sign(lexer, valid, blank_before);
    default:
      return false;
  }
}
