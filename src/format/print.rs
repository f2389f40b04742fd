//! The layout: a [`Tree`] to lines, and the stops at which lines that stand together are aligned.
//!
//! Comes in: a tree and the text that it is of. Goes out: the text in its one layout. What fits on a line stands on one;
//! what does not is opened at its outermost bracket or before its endings. Where lines end depends on words, comments and
//! blank lines alone, never on where they ended before. What does not fit the grammar is copied as it is.

use std::ops::Range;

use super::align::{Stop, StopKind};
use super::spacing::{has_commas, is_bracket, is_tail};
use super::text;
use super::tree::{Gap, NEVER, Tree};
use super::{INDENT, WIDTH};
use crate::syntax::SyntaxKind;

/// The longest member of a list whose members share lines.
const SHORT: u32 = 30;

pub(super) struct Printer<'t> {
    tree: &'t Tree<'t>,
    source: &'t str,
    pub out: String,
    pub stops: Vec<Stop>,
    /// Lines that are finished.
    line: u32,
    /// Columns of the line so far; its indentation while nothing stands on it.
    column: u32,
    is_line_start: bool,
    indent: u32,
    /// Comments that stand at the end of this line.
    behind: Vec<u32>,
    /// The token whose comments before it are printed.
    introduced: Option<u32>,
    /// The items that were copied.
    pub copied: Vec<Range<u32>>,
    /// Comments stand where only the parser can say whether a line may end there.
    is_daring: bool,
    /// A comment went from the middle of its line to the end: what it kept open may now stand on one line.
    pub moved: bool,
}

/// A place inside of a line where a stop is set: before this token.
type Mark = (u32, StopKind);

impl<'t> Printer<'t> {
    pub(super) fn new(tree: &'t Tree<'t>, source: &'t str) -> Self {
        Self {
            tree,
            source,
            out: String::with_capacity(source.len() + source.len() / 8),
            stops: Vec::new(),
            line: 0,
            column: 0,
            is_line_start: true,
            indent: 0,
            behind: Vec::new(),
            introduced: None,
            copied: Vec::new(),
            is_daring: false,
            moved: false,
        }
    }

    fn kind(&self, entry: usize) -> SyntaxKind {
        self.tree.entries.get(entry).map_or(SyntaxKind::Error, |e| e.kind)
    }

    fn is_token(&self, entry: usize) -> bool {
        self.tree.entries.get(entry).is_some_and(|e| e.is_token)
    }

    fn tokens(&self, entry: usize) -> Range<u32> {
        self.tree.entries.get(entry).map_or(0..0, |e| e.first..e.last)
    }

    fn token_text(&self, token: u32) -> &'t str {
        self.tree.tokens.get(token as usize).map_or("", |t| t.text)
    }

    fn gap(&self, token: u32) -> Gap {
        self.tree.tokens.get(token as usize).map_or(Gap::Nothing, |t| t.gap)
    }

    // ---------------------------------------------------------------------------------------------------------- file

    pub(super) fn file(&mut self) {
        let items: Vec<usize> = self.tree.children(0).filter(|i| !self.is_token(*i)).collect();
        let mut last: Option<usize> = None;
        let mut wrong = 0;
        for item in items {
            let Some(entry) = self.tree.entries.get(item).copied() else { continue };
            if entry.first == entry.last {
                continue;
            }
            let is_wrong = self.is_wrong(item, &mut wrong);
            self.begin_item(item, last, is_wrong);
            if is_wrong {
                self.copy(item)
            } else {
                self.item_or_copy(item)
            }
            last = Some(item);
        }
        self.last_comments(last.is_some());
        self.end_line();
    }

    /// Whether something in an item does not fit the grammar. Items come in order, and so do the places that are wrong.
    fn is_wrong(&self, item: usize, from: &mut usize) -> bool {
        let Some(entry) = self.tree.entries.get(item) else { return true };
        if entry.kind == SyntaxKind::Error {
            return true;
        }
        while self.tree.wrong.get(*from).is_some_and(|w| w.end < entry.start) {
            *from += 1;
        }
        let rest = self.tree.wrong.get(*from..).unwrap_or_default();
        rest.iter().take_while(|w| w.start <= entry.end).any(|w| w.end >= entry.start)
    }

    /// Blank lines and comments before an item.
    fn begin_item(&mut self, item: usize, last: Option<usize>, is_wrong: bool) {
        let first = self.tokens(item).start;
        let Some(token) = self.tree.tokens.get(first as usize) else { return };
        let above = self.blank_above(first);
        let is_documented = token.before.clone().any(|c| self.comment_kind(c) == SyntaxKind::DocComment) && !is_wrong;
        let wants_blank = last.is_some_and(|last| {
            let is_import = |i: usize| self.tree.children(i).next().map(|c| self.kind(c)) == Some(SyntaxKind::Import);
            let is_long = |i: usize| {
                self.kind(i) == SyntaxKind::Item && self.tree.entries.get(i).is_some_and(|e| e.width > WIDTH)
            };
            is_documented || is_import(last) != is_import(item) || is_long(last) || is_long(item)
        });
        if last.is_some() {
            self.new_line(above || wants_blank && !is_wrong);
        }
        self.comments_before(first);
    }

    fn item_or_copy(&mut self, item: usize) {
        let (length, stops, line) = (self.out.len(), self.stops.len(), self.line);
        self.is_daring = false;
        self.item(item);
        if !self.is_daring {
            return;
        }
        let Some(entry) = self.tree.entries.get(item) else { return };
        let before = self.source.get(entry.start as usize..entry.end as usize).unwrap_or("");
        let mut after = self.out.get(length..).unwrap_or("").to_owned();
        // Comments that wait for the end of their line belong to the item, too.
        for comment in &self.behind {
            let text = self.tree.comments.get(*comment as usize).map_or("", |c| c.text);
            after.push_str("\n");
            after.push_str(text);
        }
        if !super::is_same(before, &after) {
            self.out.truncate(length);
            self.stops.truncate(stops);
            self.line = line;
            self.behind.clear();
            self.column = 0;
            self.is_line_start = true;
            self.copy(item);
        }
    }

    fn item(&mut self, item: usize) {
        let Some(inner) = self.tree.children(item).find(|c| !self.is_token(*c)) else {
            self.flat(self.tokens(item), &[]);
            return;
        };
        self.member(inner);
    }

    /// Copies an item as it stands.
    fn copy(&mut self, item: usize) {
        let Some(entry) = self.tree.entries.get(item).copied() else { return };
        let (start, end) = (entry.start as usize, entry.end as usize);
        let text = self.source.get(start..end).unwrap_or("").trim_end_matches([' ', '\t', '\n', '\r']);
        // Where a line begins tells the parser where items begin.
        let head = self.source.get(..start).unwrap_or("");
        let blanks = head.len() - head.trim_end_matches([' ', '\t']).len();
        let is_first = head.len() == blanks || head.ends_with_line_end(blanks);
        if is_first {
            self.out.push_str(head.get(head.len() - blanks..).unwrap_or(""));
        }
        self.out.push_str(text);
        self.line += text.matches('\n').count() as u32;
        self.is_line_start = text.is_empty();
        self.column = text.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u32;
        self.copied.push(entry.start..start as u32 + text.len() as u32);
        // Comments of its tokens are in the text, but for those behind its end.
        let end = start + text.len();
        for token in self.tokens(item) {
            let Some(token) = self.tree.tokens.get(token as usize) else { continue };
            let outside = token
                .behind
                .clone()
                .filter(|c| self.tree.comments.get(*c as usize).is_some_and(|c| c.start as usize >= end));
            self.behind.extend(outside);
        }
    }

    fn last_comments(&mut self, behind_item: bool) {
        let mut is_first = !behind_item;
        for comment in self.tree.last_comments.clone() {
            if !is_first {
                self.new_line(self.tree.comments.get(comment as usize).is_some_and(|c| c.blank));
            }
            is_first = false;
            self.comment(comment);
        }
    }

    // ------------------------------------------------------------------------------------------------------- members

    /// A member of a block, or an item: from its first word to the last.
    fn member(&mut self, member: usize) {
        use SyntaxKind as K;
        let kind = self.kind(member);
        let reserve = 0;
        match kind {
            K::Field | K::Arm => self.keyed(member),
            _ if self.fits(member, 0, reserve) => {
                let marks = self.marks(member);
                self.flat(self.tokens(member), &marks);
            }
            K::Expect | K::Abort | K::Check | K::Recovery | K::Demand | K::Wait | K::Never | K::Ask | K::Note => {
                self.tailed(member);
            }
            _ => self.row(member, reserve),
        }
    }

    /// `key: value`. Aligned with its neighbours if it takes one line.
    fn keyed(&mut self, member: usize) {
        let children: Vec<usize> = self.tree.children(member).collect();
        let value = children.iter().rposition(|c| !self.is_token(*c)).filter(|i| *i > 0);
        let value = value.filter(|i| children.get(i - 1).is_some_and(|c| self.kind(*c) == SyntaxKind::Colon));
        let Some(value) = value.and_then(|i| children.get(i)).copied() else {
            self.row(member, 0);
            return;
        };
        let (start, first) = (self.tokens(member).start, self.tokens(value).start);
        if self.fits(member, 0, 0) {
            self.flat(self.tokens(member), &[(first, StopKind::Field)]);
        } else {
            self.flat(start..first, &[]);
            self.print(value, 0);
        }
    }

    /// Where a line that takes one line is aligned with its neighbours.
    fn marks(&self, member: usize) -> Vec<Mark> {
        use SyntaxKind as K;
        let kind = self.kind(member);
        let children = self.tree.children(member);
        let behind = |wanted: K| {
            let mut behind = children.skip_while(|c| self.kind(*c) != wanted).skip(1);
            behind.next().map(|c| self.tokens(c).start)
        };
        let first_of = |wanted: K| {
            let found = self.tree.children(member).find(|c| self.kind(*c) == wanted);
            found.map(|c| self.tokens(c).start)
        };
        let key = match kind {
            K::Expect => behind(K::Colon).map(|t| (t, StopKind::Expect)),
            K::Check => behind(K::Colon).map(|t| (t, StopKind::Check)),
            K::Let => first_of(K::Equals).map(|t| (t, StopKind::Let)),
            K::Demand => behind(K::Keyword).map(|t| (t, StopKind::Demand)),
            K::RecordItem | K::Engine => {
                let word = self.token_text(self.tokens(member).start).len() as u32;
                first_of(K::Block).map(|t| (t, StopKind::Brace(word)))
            }
            _ => None,
        };
        let because = first_of(K::Because).map(|t| (t, StopKind::Because));
        key.into_iter().chain(because).collect()
    }

    /// A line with endings (`within`, `because`) that does not fit: they go to the next line.
    fn tailed(&mut self, member: usize) {
        let children: Vec<usize> = self.tree.children(member).collect();
        let head = children.iter().position(|c| is_tail(self.kind(*c))).unwrap_or(children.len());
        let (head, tails) = children.split_at(head);
        self.siblings(head, 0);
        let mut is_first = true;
        for tail in tails {
            let fits = self.fits(*tail, 1, 0);
            if is_first || !fits || self.kind(*tail) == SyntaxKind::Because {
                self.indent += INDENT;
                self.new_line(false);
                self.row(*tail, 0);
                self.indent -= INDENT;
            } else {
                self.row(*tail, 0);
            }
            is_first = false;
        }
    }

    // --------------------------------------------------------------------------------------------------------- nodes

    /// Whether a node fits on the line, behind what stands there, with `reserve` columns behind it.
    fn fits(&self, entry: usize, gap: u32, reserve: u32) -> bool {
        let width = self.tree.entries.get(entry).map_or(NEVER, |e| e.width);
        width != NEVER && self.column.saturating_add(gap).saturating_add(width).saturating_add(reserve) <= WIDTH
    }

    /// Prints a node; `reserve` columns must be left on its last line.
    fn print(&mut self, entry: usize, reserve: u32) {
        use SyntaxKind as K;
        let tokens = self.tokens(entry);
        let gap = if self.is_line_start { 0 } else { self.gap(tokens.start).width() };
        let kind = self.kind(entry);
        match kind {
            K::Text => self.text(entry),
            _ if self.is_token(entry) || self.fits(entry, gap, reserve) => self.flat(tokens, &[]),
            // An empty bracket has nowhere to open.
            _ if is_bracket(kind) && tokens.len() == 2 && self.is_uncommented(tokens.end - 1) => self.flat(tokens, &[]),
            K::AndExpr | K::OrExpr => self.logic(entry, reserve),
            _ if is_bracket(kind) => self.bracket(entry),
            K::Field | K::Arm => self.keyed(entry),
            _ => self.row(entry, reserve),
        }
    }

    fn is_uncommented(&self, token: u32) -> bool {
        self.tree.tokens.get(token as usize).is_some_and(|t| t.before.is_empty())
    }

    /// The parts of a node, one after the other; brackets among them open if they must.
    fn row(&mut self, entry: usize, reserve: u32) {
        let children: Vec<usize> = self.tree.children(entry).collect();
        self.siblings(&children, reserve);
    }

    fn siblings(&mut self, children: &[usize], reserve: u32) {
        for (index, child) in children.iter().enumerate() {
            let behind = children.get(index + 1..).unwrap_or_default();
            let reserve = self.least_width(behind, reserve);
            if self.is_where(*child) {
                self.indent += INDENT;
                self.new_line(false);
                self.print(*child, reserve);
                self.indent -= INDENT;
            } else {
                self.print(*child, reserve);
            }
        }
    }

    /// `where` of a list that does not fit on a line.
    fn is_where(&self, entry: usize) -> bool {
        self.kind(entry) == SyntaxKind::Keyword && self.token_text(self.tokens(entry).start) == "where"
    }

    /// How many columns the siblings behind something take at least, up to the first that can open.
    fn least_width(&self, behind: &[usize], reserve: u32) -> u32 {
        let mut sum = 0;
        for sibling in behind {
            if self.is_where(*sibling) {
                return sum;
            }
            sum += self.gap(self.tokens(*sibling).start).width();
            let Some(entry) = self.tree.entries.get(*sibling) else { return sum };
            match self.opening(*sibling) {
                Some(width) => return sum.saturating_add(width),
                None => sum = sum.saturating_add(entry.width),
            }
            if sum > WIDTH {
                return sum;
            }
        }
        sum.saturating_add(reserve)
    }

    /// The columns up to the first bracket or `where` in a node; `None` if it has neither.
    fn opening(&self, entry: usize) -> Option<u32> {
        let inner = self.tree.entries.get(entry)?;
        let mut inside = entry..inner.next as usize;
        let opens = |e: usize| {
            self.is_where(e) || self.tree.entries.get(e).is_some_and(|e| is_bracket(e.kind) && e.last > e.first + 2)
        };
        let place = inside.find(|e| opens(*e))?;
        let tokens = self.tree.tokens.get(inner.first as usize..self.tokens(place).start as usize)?;
        let width: usize = tokens.iter().map(|t| t.text.len() + t.gap.width() as usize).sum();
        Some(width as u32 + u32::from(!self.is_token(place)))
    }

    /// `a and b`: a line for each operand, `and` before it.
    fn logic(&mut self, entry: usize, reserve: u32) {
        let children: Vec<usize> = self.tree.children(entry).collect();
        self.indent += INDENT;
        for (index, child) in children.iter().enumerate() {
            let is_last = index + 1 == children.len();
            if index % 2 == 1 {
                self.new_line(false);
            }
            self.print(*child, if is_last { reserve } else { 0 });
        }
        self.indent -= INDENT;
    }

    /// A bracket that is open: its members on lines of their own.
    fn bracket(&mut self, entry: usize) {
        let children: Vec<usize> = self.tree.children(entry).collect();
        let is_closing = |c: &usize| {
            use SyntaxKind as K;
            matches!(self.kind(*c), K::RightBrace | K::RightParen | K::RightBracket)
        };
        let names = self.kind(entry) == SyntaxKind::ImportNames;
        let is_member = |c: &usize| !self.is_token(*c) || names && self.kind(*c) == SyntaxKind::Word;
        let open = children.iter().position(is_member);
        let close = children.iter().rposition(is_closing).unwrap_or(children.len());
        let open = open.unwrap_or(close);
        let opening = children.get(..open).unwrap_or_default();
        let members = children.get(open..close).unwrap_or_default();
        self.siblings(opening, 0);
        self.indent += INDENT;
        if self.is_filled(entry, members) {
            self.fill(members);
        } else {
            self.members(members, has_commas(self.kind(entry)));
        }
        let Some(close) = children.get(close).copied() else {
            self.indent -= INDENT;
            return;
        };
        let token = self.tokens(close).start;
        let before = self.tree.tokens.get(token as usize).map_or(0..0, |t| t.before.clone());
        if !before.is_empty() {
            self.new_line(self.blank_above(token) && !members.is_empty());
            self.comments_up_to(before);
            self.introduced = Some(token);
        }
        self.indent -= INDENT;
        self.new_line(false);
        self.flat(token..token + 1, &[]);
    }

    fn members(&mut self, members: &[usize], commas: bool) {
        for (index, member) in members.iter().enumerate() {
            let first = self.tokens(*member).start;
            self.new_line(self.blank_above(first) && index > 0);
            self.comments_before(first);
            if commas {
                self.print(*member, 1);
                self.write(",");
            } else {
                self.member(*member);
            }
        }
    }

    /// Whether the members of a list share lines: names and numbers do, what needs reading does not.
    fn is_filled(&self, entry: usize, members: &[usize]) -> bool {
        use SyntaxKind as K;
        matches!(self.kind(entry), K::List | K::ImportNames)
            && members.iter().all(|m| {
                let Some(entry) = self.tree.entries.get(*m) else { return false };
                let token = self.tree.tokens.get(entry.first as usize);
                let is_plain = matches!(entry.kind, K::Word | K::NameExpr | K::NumberExpr | K::Text | K::MemberExpr);
                is_plain
                    && entry.width <= SHORT
                    && token.is_some_and(|t| t.before.is_empty() && t.behind.is_empty() && !t.blank)
                    && self.tree.tokens.get(entry.last as usize - 1).is_some_and(|t| t.behind.is_empty())
            })
    }

    fn fill(&mut self, members: &[usize]) {
        for (index, member) in members.iter().enumerate() {
            // The comma behind it must fit, too.
            if index == 0 || !self.fits(*member, 1, 1) {
                self.new_line(false);
            } else {
                self.write(" ");
            }
            let tokens = self.tokens(*member);
            for token in tokens.clone() {
                let gap = if token == tokens.start { Gap::Nothing } else { self.gap(token) };
                self.token(token, gap);
            }
            self.write(",");
        }
    }

    /// A text in quotes, holes and all.
    fn text(&mut self, entry: usize) {
        let Some(node) = self.tree.entries.get(entry).copied() else { return };
        if node.width != NEVER {
            self.flat(node.first..node.last, &[]);
            return;
        }
        let source = self.source.get(node.start as usize..node.end as usize).unwrap_or("");
        let comments = self.tokens(entry).any(|t| {
            let token = self.tree.tokens.get(t as usize);
            t + 1 < node.last && token.is_some_and(|t| !t.behind.is_empty())
                || t > node.first && token.is_some_and(|t| !t.before.is_empty())
        });
        if comments {
            // A comment in a hole: nobody writes that, and nobody shall lose it.
            self.separate(node.first);
            self.write(source);
            return;
        }
        self.separate(node.first);
        let mut plain = String::with_capacity(source.len());
        for token in node.first..node.last {
            if token > node.first {
                plain.push_str(match self.gap(token) {
                    Gap::Nothing => "",
                    Gap::Space => " ",
                    Gap::Comma => ", ",
                });
            }
            plain.push_str(self.token_text(token));
        }
        let moved = text::indented(&plain, self.indent as usize);
        self.write(&moved);
        let behind = self.tree.tokens.get(node.last as usize - 1).map_or(0..0, |t| t.behind.clone());
        self.behind.extend(behind);
    }

    // -------------------------------------------------------------------------------------------------------- tokens

    /// Tokens on one line.
    fn flat(&mut self, tokens: Range<u32>, marks: &[Mark]) {
        for token in tokens {
            if let Some((_, kind)) = marks.iter().find(|(at, _)| *at == token) {
                self.stop(*kind);
            }
            let gap = self.gap(token);
            self.token(token, gap);
        }
    }

    fn separate(&mut self, token: u32) {
        let gap = self.gap(token);
        self.introduce(token);
        self.write_gap(gap);
    }

    fn write_gap(&mut self, gap: Gap) {
        if !self.is_line_start {
            match gap {
                Gap::Nothing => {}
                Gap::Space => self.write(" "),
                Gap::Comma => self.write(", "),
            }
        }
    }

    fn token(&mut self, token: u32, gap: Gap) {
        self.introduce(token);
        self.write_gap(gap);
        let tree = self.tree;
        if let Some(token) = tree.tokens.get(token as usize) {
            self.write(token.text);
            self.behind.extend(token.behind.clone());
        }
    }

    /// The comments before a token, where nothing has printed them: they stood in the middle of a line, and stay there.
    fn introduce(&mut self, token: u32) {
        let before = self.tree.tokens.get(token as usize).map_or(0..0, |t| t.before.clone());
        if before.is_empty() || self.introduced == Some(token) {
            return;
        }
        self.introduced = Some(token);
        self.is_daring = true;
        if !self.is_line_start {
            self.indent += INDENT;
            self.new_line(false);
            self.indent -= INDENT;
        }
        let column = self.column;
        self.comments_up_to(before);
        self.new_line(false);
        self.column = column;
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.moved |= !self.behind.is_empty() && text != ",";
        if self.is_line_start {
            for _ in 0..self.column {
                self.out.push(' ');
            }
            self.is_line_start = false;
        }
        self.out.push_str(text);
        match text.rfind('\n') {
            Some(at) => {
                self.line += text.matches('\n').count() as u32;
                self.column = text.get(at + 1..).map_or(0, |t| t.chars().count()) as u32;
            }
            None if text.is_ascii() => self.column += text.len() as u32,
            None => self.column += text.chars().count() as u32,
        }
    }

    /// A place at which lines are aligned: here, before the blank that follows.
    fn stop(&mut self, kind: StopKind) {
        self.stops.push(Stop { kind, line: self.line, column: self.column, indent: self.indent, at: self.out.len() });
    }

    // ------------------------------------------------------------------------------------------------------ comments

    fn comment_kind(&self, comment: u32) -> SyntaxKind {
        self.tree.comments.get(comment as usize).map_or(SyntaxKind::Comment, |c| c.kind)
    }

    /// Whether a blank line stands before a token with its comments.
    fn blank_above(&self, token: u32) -> bool {
        let Some(token) = self.tree.tokens.get(token as usize) else { return false };
        match self.tree.comments.get(token.before.start as usize).filter(|_| !token.before.is_empty()) {
            Some(comment) => comment.blank,
            None => token.blank,
        }
    }

    /// The comments before a token at the begin of its line, and the line end behind them.
    fn comments_before(&mut self, token: u32) {
        let Some(first) = self.tree.tokens.get(token as usize) else { return };
        let (before, blank) = (first.before.clone(), first.blank);
        self.introduced = Some(token);
        if before.is_empty() {
            return;
        }
        let last = self.comment_kind(before.end - 1);
        self.comments_up_to(before);
        let blank = match last {
            SyntaxKind::FileDoc => true,
            // It documents what follows.
            SyntaxKind::DocComment => false,
            _ => blank,
        };
        self.new_line(blank);
    }

    /// Comments, each on its line; no line end behind the last one.
    fn comments_up_to(&mut self, comments: Range<u32>) {
        for comment in comments.clone() {
            if comment > comments.start {
                let blank = self.tree.comments.get(comment as usize).is_some_and(|c| c.blank);
                let kinds = (self.comment_kind(comment - 1), self.comment_kind(comment));
                let ends_file_doc = kinds.0 == SyntaxKind::FileDoc && kinds.1 != SyntaxKind::FileDoc;
                self.new_line(blank || ends_file_doc);
            }
            self.comment(comment);
        }
    }

    fn comment(&mut self, comment: u32) {
        let tree = self.tree;
        if let Some(comment) = tree.comments.get(comment as usize) {
            self.write(comment.text);
        }
    }

    /// Writes the comments that wait for the end of this line: the first on it, the others below.
    fn flush(&mut self) {
        if self.behind.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.behind);
        for (index, comment) in waiting.into_iter().enumerate() {
            if index == 0 && !self.is_line_start {
                self.stop(StopKind::Comment);
                self.write("  ");
            } else {
                self.out.push('\n');
                self.line += 1;
                self.column = self.indent;
                self.is_line_start = true;
            }
            self.comment(comment);
        }
    }

    /// Ends the line, with a blank one behind it if that is asked for.
    fn new_line(&mut self, blank: bool) {
        self.flush();
        self.out.push('\n');
        self.line += 1;
        if blank {
            self.out.push('\n');
            self.line += 1;
        }
        self.column = self.indent;
        self.is_line_start = true;
    }

    fn end_line(&mut self) {
        self.flush();
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }
}

trait EndsWithLineEnd {
    /// Whether a line end stands before the last `blanks` bytes.
    fn ends_with_line_end(&self, blanks: usize) -> bool;
}

impl EndsWithLineEnd for str {
    fn ends_with_line_end(&self, blanks: usize) -> bool {
        self.get(..self.len() - blanks).is_some_and(|head| head.ends_with(['\n', '\r']))
    }
}
