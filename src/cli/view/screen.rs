//! The terminal of a run: lines that stay, and below them a frame that is drawn again in its place.
//!
//! The cursor stands always at the begin of the line below the frame, and is never hidden: whatever ends this process, even
//! SIGKILL, the shell goes on below what was shown last and nothing has to be restored. While a person is asked, the frame is
//! drawn above the line where they type, and what should stay waits until they have answered.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::frame::Space;
use super::piece::Row;
use crate::types::Duration;

/// Up by so many lines is `ESC [ N A`; this erases from the cursor to the end of the screen.
const ERASE_BELOW: &str = "\u{1b}[J";
const ERASE_LINE: &str = "\u{1b}[K";
const SAVE: &str = "\u{1b}7";
const RESTORE: &str = "\u{1b}8";
/// A terminal that knows it shows what lies between as one change; the others ignore it.
const TOGETHER: &str = "\u{1b}[?2026h";
const SHOWN: &str = "\u{1b}[?2026l";
/// A frame is drawn at least twice a second. If this much went by, the process stood still and a shell was on the terminal in
/// between: what it wrote is not ours to erase.
const STOOD_STILL: Duration = Duration::from_secs(3);

/// The terminal, shared by who shows a run and who asks people.
pub(in crate::cli) struct Screen {
    color: bool,
    unicode: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The lines of the frame that is on the terminal.
    drawn: Vec<Row>,
    /// The size of the terminal when they were drawn.
    size: (usize, usize),
    at: Duration,
    /// What a person is asked, if one is.
    asked: Option<String>,
    /// What should stay, once they have answered.
    waiting: Vec<String>,
}

impl Screen {
    pub(super) fn new(color: bool, unicode: bool) -> Self {
        Self { color, unicode, state: Mutex::new(State::default()) }
    }

    /// What there is room for now: asked each time, as a terminal may be resized.
    pub(super) fn space(&self) -> Space {
        let size = terminal_size::terminal_size();
        let (columns, rows) = size.map_or((80, 24), |(width, height)| (usize::from(width.0), usize::from(height.0)));
        Space { columns: columns.max(1), rows: rows.max(1), unicode: self.unicode }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere is no reason to stop showing what is being undone.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line that stays.
    pub(super) fn stay(&self, line: &str) {
        let mut state = self.state();
        let line = plain(&super::marked(line, self.unicode));
        if state.asked.is_some() {
            state.waiting.push(line);
            return;
        }
        let space = self.space();
        let mut out = erase(&state, space.columns);
        state.drawn.clear();
        out.push_str(&line);
        out.push('\n');
        write(&out);
    }

    /// The frame as it is now.
    pub(super) fn show(&self, at: Duration, draw: &dyn Fn(Space) -> Vec<Row>) {
        let mut state = self.state();
        if at > state.at.plus(STOOD_STILL) {
            state.drawn.clear();
        }
        let space = self.space();
        let rows: Vec<Row> = draw(space).into_iter().map(|row| row.fit(space.columns, self.unicode)).collect();
        let is_same_size = state.size == (space.columns, space.rows);
        let out = match state.asked.clone() {
            Some(prompt) if is_same_size && !state.drawn.is_empty() => {
                self.above(&state.drawn, broken(&prompt, space.columns), rows.clone())
            }
            Some(prompt) => {
                let mut out = erase_asked(&state, &prompt, space.columns);
                out.push_str(&self.lines(&rows));
                out.push_str(&prompt);
                out
            }
            None => erase(&state, space.columns) + &self.lines(&rows),
        };
        if state.asked.is_none() || !is_same_size || state.drawn.is_empty() {
            state.drawn = rows;
            state.size = (space.columns, space.rows);
        }
        state.at = at;
        write(&format!("{TOGETHER}{out}{SHOWN}"));
    }

    /// The frame in its place above the question where somebody types: as many lines as there are. `broken`: the question's
    /// own lines above that of the cursor.
    fn above(&self, drawn: &[Row], broken: usize, mut rows: Vec<Row>) -> String {
        rows.resize(drawn.len(), Row::default());
        let mut out = format!("{SAVE}\u{1b}[{}A\r", drawn.len() + broken);
        for row in &rows {
            out.push_str(&row.text(self.color));
            out.push_str(ERASE_LINE);
            out.push_str("\r\n");
        }
        out + RESTORE
    }

    fn lines(&self, rows: &[Row]) -> String {
        rows.iter().map(|row| row.text(self.color) + "\n").collect()
    }

    /// Asks: from now on the line below the frame is where somebody types.
    pub(in crate::cli) fn ask(&self, prompt: &str) {
        let mut state = self.state();
        let prompt = plain(&super::marked(prompt, self.unicode));
        write(&prompt);
        state.asked = Some(prompt);
    }

    /// Nobody is asked any more. `has_typed`: the line was ended by whoever typed it.
    pub(in crate::cli) fn answered(&self, has_typed: bool) {
        let mut state = self.state();
        let Some(prompt) = state.asked.take() else { return };
        let columns = self.space().columns;
        let mut out = String::new();
        if has_typed {
            // The cursor is at the begin of the line below what was typed.
            out.push_str("\u{1b}[1A");
        }
        out.push_str(&erase_asked(&state, &prompt, columns));
        state.drawn.clear();
        for line in std::mem::take(&mut state.waiting) {
            out.push_str(&line);
            out.push('\n');
        }
        write(&out);
    }

    /// The end: these lines stay where the frame was.
    pub(super) fn end(&self, rows: &[Row]) {
        self.answered(false);
        let mut state = self.state();
        let columns = self.space().columns;
        let mut out = erase(&state, columns);
        state.drawn.clear();
        for row in rows {
            out.push_str(&row.clone().fit(columns, self.unicode).text(self.color));
            out.push('\n');
        }
        write(&out);
    }
}

/// Takes the frame away. A terminal that became narrower may have broken its lines.
fn erase(state: &State, columns: usize) -> String {
    let lines: usize = state.drawn.iter().map(|row| row.width().div_ceil(columns).max(1)).sum();
    if lines == 0 { String::new() } else { format!("\u{1b}[{lines}A\r{ERASE_BELOW}") }
}

/// Takes the frame away, and the line below it where somebody types.
fn erase_asked(state: &State, prompt: &str, columns: usize) -> String {
    // How much was typed is not known: what is longer than its line leaves a trace, and nothing else.
    let above = broken(prompt, columns);
    let up = if above > 0 { format!("\u{1b}[{above}A") } else { String::new() };
    format!("{up}\r{ERASE_BELOW}{}", erase(state, columns))
}

/// How many lines a question takes above the one where it ends.
fn broken(prompt: &str, columns: usize) -> usize {
    super::piece::columns(prompt).saturating_sub(1) / columns
}

/// Without what would move the cursor: samples and people's words are not ours.
fn plain(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect()
}

/// A terminal that went away is no reason to stop: the run goes on, and what it injected is undone in its time.
fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
