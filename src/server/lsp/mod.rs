//! The language server: the protocol, its loop, its documents. What it answers is computed by `ide`.
//!
//! Comes in: messages of the Language Server Protocol 3.17 on standard input. Goes out: messages on standard output, and
//! nothing else there. Effects: reads the files of the projects of what is open; writes the standard library, read-only,
//! below the user's cache folder when an editor is led there.
//!
//! One thread computes; others only read and write messages. Before an answer is computed, and before it is sent, the
//! messages that came meanwhile are looked at: a request that was cancelled, or whose document has changed since, gets
//! no answer but that. While nothing is asked, what an edit made stale is judged, file by file, what is open first.

#![expect(clippy::disallowed_methods, reason = "the edge: a server reads the files of the projects that are open")]

mod answer;
mod capabilities;
mod convert;
mod document;
mod library;
mod position;
mod project;
mod queue;
mod serve;
mod uri;

pub use serve::serve;
