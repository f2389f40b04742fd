//! The two standard streams: whether they show colours, how wide they are, and writing to them.
//!
//! A reader that went away (`perturb check | head`) is no failure: what it did not want is dropped without a word.

use std::io::{self, IsTerminal, Write};

use super::exit::Failure;
use crate::diagnostic::render::Look;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal that has them.
    Auto,
    /// Even into a file or pipe.
    Always,
    /// Nowhere.
    Never,
}

/// One of the two standard streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// A command's own product.
    Output,
    /// What is said about it.
    Error,
}

/// A file or pipe has no width; this one is read well.
const WIDTH_WITHOUT_TERMINAL: usize = 100;
/// Lines longer than this are hard to read, however wide the screen.
const WIDEST: usize = 120;

/// The standard streams.
#[derive(Debug)]
pub(super) struct Terminal {
    color: ColorChoice,
}

impl Terminal {
    pub(super) fn new(color: ColorChoice) -> Self {
        Self { color }
    }

    /// What a stream can show.
    pub(super) fn look(&self, stream: Stream, prefix: &str) -> Look {
        let color = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let choice = match stream {
                    Stream::Output => anstream::AutoStream::choice(&io::stdout()),
                    Stream::Error => anstream::AutoStream::choice(&io::stderr()),
                };
                choice != anstream::ColorChoice::Never
            }
        };
        // The Linux console has no glyphs for most drawing characters, a dumb terminal may have none at all, and one of another
        // encoding shows three wrong letters for each. What goes into a file or pipe is UTF-8, whatever the terminal is.
        let has_glyphs = !std::env::var("TERM").is_ok_and(|term| term == "dumb" || term == "linux");
        let is_terminal = match stream {
            Stream::Output => io::stdout().is_terminal(),
            Stream::Error => io::stderr().is_terminal(),
        };
        let unicode = has_glyphs && (!is_terminal || is_utf8(|name| std::env::var(name).ok()));
        Look { color, unicode, width: self.width(stream), prefix: prefix.to_owned() }
    }

    fn width(&self, stream: Stream) -> usize {
        let size = match stream {
            Stream::Output => terminal_size::terminal_size_of(io::stdout()),
            Stream::Error => terminal_size::terminal_size_of(io::stderr()),
        };
        size.map_or(WIDTH_WITHOUT_TERMINAL, |(width, _)| usize::from(width.0).min(WIDEST))
    }

    /// Writes to standard output.
    ///
    /// # Errors
    /// Where it cannot be written (a full disk), but not where nobody reads any more.
    pub(super) fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        quiet(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// Writes to standard error. There is nobody to tell if that fails.
    pub(super) fn say(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Writes to one of them.
    pub(super) fn write(&self, stream: Stream, text: &str) -> Result<(), Failure> {
        match stream {
            Stream::Output => self.print(text),
            Stream::Error => {
                self.say(text);
                Ok(())
            }
        }
    }

    /// Says why a command could not do its work.
    pub(super) fn failure(&self, failure: &Failure) {
        let (red, plain) = if self.look(Stream::Error, "").color { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        let help = failure.help.as_ref().map_or_else(String::new, |h| format!(" help: {h}\n"));
        self.say(&format!("{red}error{plain}: {}\n{help}", failure.message));
    }

    /// Whether standard input is a person at a keyboard.
    pub(super) fn input_is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }
}

/// Whether the locale's encoding is UTF-8. Where none is set at all (most containers) it is taken to be, as terminals are.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    set.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// A closed pipe as success.
pub(super) fn quiet(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to standard output: {}", crate::source::disk::plain(&error))))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_says_its_encoding_and_the_first_that_is_set_counts() {
        let of = |all: &[(&str, &str)]| {
            is_utf8(|name| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(of(&[]) && of(&[("LANG", "")]));
        assert!(of(&[("LANG", "en_US.UTF-8")]) && of(&[("LANG", "C.utf8")]));
        assert!(!of(&[("LANG", "C")]) && !of(&[("LANG", "de_DE.ISO-8859-1")]) && !of(&[("LC_ALL", "POSIX")]));
        assert!(!of(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(of(&[("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")]));
    }
}
