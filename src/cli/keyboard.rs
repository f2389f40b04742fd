//! Lines from whoever sits at the terminal, while runs go on. There is one of it in a process.
//!
//! A person may answer late or never, so one thread reads for all questions: what is typed goes to the question that stands
//! then. Were there a thread for each, the one of a question that was withdrawn would take the next one's answer.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, oneshot};

use super::view::Screen;

/// Who waits for the next line.
type Waiting = Arc<Mutex<Option<oneshot::Sender<Option<String>>>>>;

/// The keyboard of a run.
pub(super) struct Keyboard {
    /// What else is drawn on the terminal now, if anything is.
    screen: Mutex<Option<Arc<Screen>>>,
    waiting: Waiting,
    /// Held by the question that stands.
    turn: Turn<()>,
    /// Whether the thread that reads is there.
    reads: Arc<AtomicBool>,
}

impl Keyboard {
    pub(super) fn new() -> Self {
        Self { screen: Mutex::default(), waiting: Waiting::default(), turn: Turn::default(), reads: Arc::default() }
    }

    /// From now on, this is drawn on the terminal.
    pub(super) fn below(&self, screen: Option<Arc<Screen>>) {
        *self.screen.lock().unwrap_or_else(PoisonError::into_inner) = screen;
    }

    fn screen(&self) -> Option<Arc<Screen>> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A line from a person; `None`: nobody is there. Two questions at once are put one after the other.
    pub(super) async fn line(&self, prompt: String) -> Option<String> {
        if !std::io::stdin().is_terminal() {
            return None;
        }
        let _turn = self.turn.lock().await;
        let (said, heard) = oneshot::channel();
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        let mut asked = Asked::new(self, &prompt);
        if !self.reads.swap(true, Ordering::AcqRel) {
            let (waiting, reads) = (self.waiting.clone(), self.reads.clone());
            std::thread::spawn(move || {
                read(&waiting);
                reads.store(false, Ordering::Release);
            });
        }
        let line = heard.await.ok().flatten();
        asked.has_typed = line.is_some();
        line
    }
}

/// Until the terminal says that nothing comes any more: it went away, or Ctrl-D. Nobody waits for this when the run ends.
fn read(waiting: &Waiting) {
    loop {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_line(&mut text);
        let line = read.ok().filter(|n| *n > 0).map(|_| text.trim().to_owned());
        let is_over = line.is_none();
        // What is typed while nobody asks is for nobody.
        if let Some(asks) = waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = asks.send(line);
        }
        if is_over {
            return;
        }
    }
}

/// A question that stands, until it is answered or withdrawn.
struct Asked<'k> {
    keyboard: &'k Keyboard,
    has_typed: bool,
}

impl<'k> Asked<'k> {
    fn new(keyboard: &'k Keyboard, prompt: &str) -> Self {
        match keyboard.screen() {
            Some(screen) => screen.ask(prompt),
            None => {
                let _ = std::io::stderr().write_all(prompt.as_bytes());
            }
        }
        Self { keyboard, has_typed: false }
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        *self.keyboard.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(screen) = self.keyboard.screen() {
            screen.answered(self.has_typed);
        }
    }
}
