//! The messages that came and are not dealt with yet.
//!
//! A thread moves them here as they come, so that the server can look at what is waiting: what was cancelled, what has
//! changed.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use gen_lsp_types::{CancelParams, DidChangeTextDocumentParams, Id};
use lsp_server::{Connection, Message, RequestId};

/// The messages that wait.
pub struct Queue {
    inbox: Receiver<Message>,
    waiting: VecDeque<Message>,
    closed: bool,
}

impl Queue {
    /// The messages of a connection, from now on.
    pub fn new(connection: &Connection) -> Self {
        let (sender, inbox) = channel();
        let receiver = connection.receiver.clone();
        std::thread::spawn(move || {
            // It ends when either side is gone.
            for message in receiver {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self { inbox, waiting: VecDeque::new(), closed: false }
    }

    /// Takes over what has come.
    pub fn look(&mut self) {
        loop {
            match self.inbox.try_recv() {
                Ok(message) => self.waiting.push_back(message),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.closed = true;
                    return;
                }
            }
        }
    }

    /// The next message, if one waits.
    pub fn next(&mut self) -> Option<Message> {
        self.look();
        self.waiting.pop_front()
    }

    /// The next message; `None` when the other side is gone.
    pub fn wait(&mut self) -> Option<Message> {
        match self.next() {
            Some(message) => Some(message),
            None if self.closed => None,
            None => self.inbox.recv().ok(),
        }
    }

    /// Whether the other side is gone and all was dealt with.
    pub fn is_over(&self) -> bool {
        self.closed && self.waiting.is_empty()
    }

    /// Whether a request was cancelled meanwhile.
    pub fn is_cancelled(&mut self, id: &RequestId) -> bool {
        self.look();
        self.notifications::<CancelParams>("$/cancelRequest").any(|params| match params.id {
            Id::Int(number) => *id == RequestId::from(number),
            Id::String(text) => *id == RequestId::from(text),
        })
    }

    /// Whether a document is about to change.
    pub fn will_change(&mut self, uri: &str) -> bool {
        self.look();
        self.notifications::<DidChangeTextDocumentParams>("textDocument/didChange")
            .any(|params| params.text_document.text_document_identifier.uri.0 == uri)
    }

    fn notifications<P: serde::de::DeserializeOwned>(&self, method: &'static str) -> impl Iterator<Item = P> {
        let of_method = self.waiting.iter().filter_map(move |message| match message {
            Message::Notification(n) if n.method == method => Some(n.params.clone()),
            _ => None,
        });
        of_method.filter_map(|params| serde_json::from_value(params).ok())
    }
}
