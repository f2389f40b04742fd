//! HTTP/1 messages as bytes: where a head ends, how its body is framed, what a change of it looks like.
//!
//! Comes in: bytes. Goes out: facts and changed heads. No socket.

use super::HttpFault;

/// A head larger than this is none.
pub const MOST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 128;

/// How the body behind a head ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    Empty,
    /// After so many bytes.
    Length(u64),
    /// With a chunk of no bytes.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// A request's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// Upper case, as it came.
    pub method: String,
    /// Without its query.
    pub path: String,
    /// Of the body.
    pub framing: Framing,
    /// Its length in bytes, the empty line included.
    pub length: usize,
}

/// An answer's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerHead {
    /// 200.
    pub status: u16,
    /// Of the body, for an answer to this method.
    pub framing: Framing,
    /// Its length in bytes, the empty line included.
    pub length: usize,
}

/// What the bytes so far are.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// A whole head.
    Head(T),
    /// The beginning of one.
    Partial,
    /// Something else.
    Foreign,
}

/// Whether the bytes begin a request of HTTP/1 (and not what was sent over a connection that speaks something else).
pub fn begins_request(bytes: &[u8]) -> bool {
    !bytes.is_empty() && matches!(request(bytes), Seen::Head(_))
}

/// The request whose head these bytes begin with.
pub fn request(bytes: &[u8]) -> Seen<RequestHead> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            let target = parsed.path.unwrap_or_default();
            Seen::Head(RequestHead {
                method: parsed.method.unwrap_or_default().to_owned(),
                path: target.split('?').next().unwrap_or_default().to_owned(),
                framing: framing(parsed.headers).unwrap_or(Framing::Empty),
                length,
            })
        }
        Ok(httparse::Status::Partial) if bytes.len() < MOST_HEAD => Seen::Partial,
        _ => Seen::Foreign,
    }
}

/// The answer, to a request of this method, whose head these bytes begin with.
pub fn answer(bytes: &[u8], method: &str) -> Seen<AnswerHead> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            let status = parsed.code.unwrap_or_default();
            let bodiless = method == "HEAD" || (100..200).contains(&status) || matches!(status, 204 | 304);
            let framing =
                if bodiless { Framing::Empty } else { framing(parsed.headers).unwrap_or(Framing::UntilClose) };
            Seen::Head(AnswerHead { status, framing, length })
        }
        Ok(httparse::Status::Partial) if bytes.len() < MOST_HEAD => Seen::Partial,
        _ => Seen::Foreign,
    }
}

/// What the headers say of the body; `None`: nothing.
fn framing(headers: &[httparse::Header<'_>]) -> Option<Framing> {
    let get = |name: &str| {
        headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).and_then(|h| std::str::from_utf8(h.value).ok())
    };
    if get("transfer-encoding").is_some_and(|v| v.to_ascii_lowercase().contains("chunked")) {
        return Some(Framing::Chunked);
    }
    get("content-length").and_then(|v| v.trim().parse().ok()).map(Framing::Length)
}

/// Whether a fault means this request.
pub fn meant(fault: &HttpFault, head: &RequestHead) -> bool {
    fault.method.as_ref().is_none_or(|m| *m == head.method)
        && fault.path.as_ref().is_none_or(|p| matches(p.as_bytes(), head.path.as_bytes()))
}

/// `*` is anything, `?` one byte. Linear in the text for each `*`: a pattern cannot make it slow.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    t = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == b'*')
}

/// The head with another status.
pub fn with_status(head: &[u8], status: u16) -> Vec<u8> {
    let line_end = head.windows(2).position(|w| w == b"\r\n").unwrap_or(head.len());
    let version = head.split(|b| *b == b' ').next().unwrap_or(b"HTTP/1.1");
    let mut out = version.to_vec();
    out.extend_from_slice(format!(" {status} {}", reason(status)).as_bytes());
    out.extend_from_slice(head.get(line_end..).unwrap_or_default());
    out
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        409 => "Conflict",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Changed",
    }
}

/// The head with a header in place of those of that name; `None` takes them away.
pub fn with_header(head: &[u8], name: &str, value: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len() + name.len() + 32);
    let mut rest = head;
    let mut first = true;
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let line = rest.get(..end).unwrap_or_default();
        rest = rest.get(end + 2..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        let own = line.split(|b| *b == b':').next().unwrap_or_default();
        if first || !own.eq_ignore_ascii_case(name.as_bytes()) {
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
        first = false;
    }
    if let Some(value) = value {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The head for a body of this length, however the old one was framed.
pub fn with_length(head: &[u8], length: usize) -> Vec<u8> {
    let head = with_header(head, "transfer-encoding", None);
    // A body of our own is not compressed, whatever the old one was.
    let head = with_header(&head, "content-encoding", None);
    with_header(&head, "content-length", Some(&length.to_string()))
}

/// Finds the end of a chunked body in pieces of any size.
#[derive(Debug, Default)]
pub struct Chunks {
    state: ChunkState,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ChunkState {
    /// In the line that gives the size, of which this is known.
    #[default]
    Begin,
    Size(u64, bool),
    Data(u64),
    /// Behind the data, before its line end is over.
    AfterData,
    /// In the lines behind the last chunk; whether this one is empty so far.
    Trailer(bool),
    Done,
}

impl Chunks {
    /// How many of these bytes belong to the body, and whether it ends with them. `None`: this is no chunked body.
    pub fn take(&mut self, bytes: &[u8]) -> Option<(usize, bool)> {
        let mut at = 0;
        while at < bytes.len() && self.state != ChunkState::Done {
            let byte = *bytes.get(at)?;
            self.state = match self.state {
                ChunkState::Begin => ChunkState::Size(u64::from((byte as char).to_digit(16)?), false),
                ChunkState::Size(size, _) if byte == b'\n' => match size {
                    0 => ChunkState::Trailer(true),
                    size => ChunkState::Data(size),
                },
                ChunkState::Size(size, true) => ChunkState::Size(size, true),
                ChunkState::Size(size, false) => match (byte as char).to_digit(16) {
                    Some(digit) => ChunkState::Size(size.checked_mul(16)?.checked_add(u64::from(digit))?, false),
                    // An extension, blanks, or the line's end.
                    None => ChunkState::Size(size, true),
                },
                ChunkState::Data(left) => {
                    let here = left.min((bytes.len() - at) as u64);
                    at += usize::try_from(here).ok()?;
                    self.state = if here == left { ChunkState::AfterData } else { ChunkState::Data(left - here) };
                    continue;
                }
                ChunkState::AfterData if byte == b'\n' => ChunkState::Begin,
                ChunkState::AfterData => ChunkState::AfterData,
                ChunkState::Trailer(true) if byte == b'\n' => ChunkState::Done,
                ChunkState::Trailer(_) if byte == b'\n' => ChunkState::Trailer(true),
                ChunkState::Trailer(empty) => ChunkState::Trailer(empty && byte == b'\r'),
                ChunkState::Done => ChunkState::Done,
            };
            at += 1;
        }
        Some((at, self.state == ChunkState::Done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_as_the_library_says() {
        let is = |p: &str, t: &str| matches(p.as_bytes(), t.as_bytes());
        assert!(is("/v1/*", "/v1/pay/1") && is("/v1/*", "/v1/") && !is("/api/*", "/api"));
        assert!(is("/a?c", "/abc") && !is("/a?c", "/ac") && is("*", "") && is("*pay*", "/v1/pay/7"));
        assert!(!is("/", "/x") && is("/x", "/x"));
    }

    #[test]
    fn a_chunked_body_ends_where_it_ends_in_whatever_pieces_it_comes() {
        let body = b"4;x=y\r\nwiki\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\nNEXT";
        for size in 1..body.len() {
            let mut chunks = Chunks::default();
            let mut total = 0;
            for piece in body.chunks(size) {
                let (taken, done) = chunks.take(piece).unwrap();
                total += taken;
                if done {
                    break;
                }
            }
            assert_eq!(total, body.len() - 4, "in pieces of {size}");
        }
        assert_eq!(Chunks::default().take(b"wiki"), None);
    }

    #[test]
    fn heads_are_changed_and_nothing_else() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(
            text(with_status(head, 503)),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        assert_eq!(
            text(with_length(head, 3)),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 3\r\n\r\n"
        );
        assert_eq!(
            text(with_header(head, "content-type", Some("a/b"))),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ncontent-type: a/b\r\n\r\n"
        );
    }

    #[test]
    fn bodies_are_framed_as_http_says() {
        let framed = |bytes: &[u8], method: &str| match answer(bytes, method) {
            Seen::Head(head) => head.framing,
            other => panic!("{other:?}"),
        };
        assert_eq!(framed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET"), Framing::Length(5));
        assert_eq!(framed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD"), Framing::Empty);
        assert_eq!(framed(b"HTTP/1.1 204 No\r\n\r\n", "GET"), Framing::Empty);
        assert_eq!(framed(b"HTTP/1.1 200 OK\r\n\r\n", "GET"), Framing::UntilClose);
        assert_eq!(answer(b"HTTP/1.1 200", "GET"), Seen::Partial);
        assert_eq!(request(b"\x16\x03\x01 TLS"), Seen::Foreign);
        assert!(begins_request(b"POST /v1/pay?x=1 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"));
    }
}
