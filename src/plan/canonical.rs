//! A serde serializer whose output is the plan's canonical form, for its digest alone. Fields that do not change what happens are left out, at any depth.
//!
//! The form: each value begins with a letter for its kind and ends where its length says; structs and variants carry their
//! names, so that a field that is renamed or moved changes the digest, and nothing else does. Maps must be sorted by key.
//! Numbers and lengths are written seven bits a byte, the lowest first, the highest bit of a byte saying that more follow
//! (LEB128; what may be negative in zigzag): most are below 128, and a plan has thousands of them.

use serde::Serialize;
use serde::ser;

/// Fields that a digest does not cover.
const LEFT_OUT: [&str; 3] = ["digest", "span", "sources"];

/// The canonical form of a value. A few kilobytes for a plan: hashed at once, as a hasher that is fed each number by itself
/// takes longer for its books than for its work.
pub(super) fn form<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 * 1024);
    // `Canonical` has no error of its own; what a plan's own `Serialize` reports cannot happen with plain data.
    let _ = value.serialize(Canonical { out: &mut out });
    out
}

struct Canonical<'h> {
    out: &'h mut Vec<u8>,
}

impl Canonical<'_> {
    fn tag(&mut self, kind: u8, length: usize) {
        self.number(kind, length as u64);
    }

    fn number(&mut self, kind: u8, mut number: u64) {
        self.out.push(kind);
        while number > 127 {
            self.out.push(number as u8 | 128);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    fn text(&mut self, kind: u8, text: &str) {
        self.tag(kind, text.len());
        self.out.extend_from_slice(text.as_bytes());
    }
}

/// Serialising plain data cannot fail; serde wants a type for it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failed(String);

impl ser::Error for Failed {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Done = Result<(), Failed>;

impl<'h> ser::Serializer for Canonical<'h> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Parts<'h>;
    type SerializeTuple = Parts<'h>;
    type SerializeTupleStruct = Parts<'h>;
    type SerializeTupleVariant = Parts<'h>;
    type SerializeMap = Parts<'h>;
    type SerializeStruct = Parts<'h>;
    type SerializeStructVariant = Parts<'h>;

    fn serialize_bool(mut self, v: bool) -> Done {
        self.tag(b'b', usize::from(v));
        Ok(())
    }
    fn serialize_i8(self, v: i8) -> Done {
        self.serialize_i64(i64::from(v))
    }
    fn serialize_i16(self, v: i16) -> Done {
        self.serialize_i64(i64::from(v))
    }
    fn serialize_i32(self, v: i32) -> Done {
        self.serialize_i64(i64::from(v))
    }
    fn serialize_i64(mut self, v: i64) -> Done {
        self.number(b'i', ((v << 1) ^ (v >> 63)) as u64);
        Ok(())
    }
    fn serialize_u8(self, v: u8) -> Done {
        self.serialize_u64(u64::from(v))
    }
    fn serialize_u16(self, v: u16) -> Done {
        self.serialize_u64(u64::from(v))
    }
    fn serialize_u32(self, v: u32) -> Done {
        self.serialize_u64(u64::from(v))
    }
    fn serialize_u64(mut self, v: u64) -> Done {
        self.number(b'u', v);
        Ok(())
    }
    fn serialize_f32(self, _: f32) -> Done {
        Err(Failed("a plan has no floating point".into()))
    }
    fn serialize_f64(self, _: f64) -> Done {
        Err(Failed("a plan has no floating point".into()))
    }
    fn serialize_char(self, v: char) -> Done {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(mut self, v: &str) -> Done {
        self.text(b's', v);
        Ok(())
    }
    fn serialize_bytes(mut self, v: &[u8]) -> Done {
        self.tag(b'y', v.len());
        self.out.extend_from_slice(v);
        Ok(())
    }
    fn serialize_none(self) -> Done {
        self.out.extend_from_slice(b"n");
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.out.extend_from_slice(b"o");
        value.serialize(self)
    }
    fn serialize_unit(self) -> Done {
        self.out.extend_from_slice(b"n");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }
    fn serialize_unit_variant(mut self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.text(b'v', variant);
        Ok(())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.text(b'v', variant);
        value.serialize(self)
    }
    fn serialize_seq(mut self, length: Option<usize>) -> Result<Parts<'h>, Failed> {
        self.tag(b'l', length.unwrap_or(0));
        Ok(Parts { out: self.out })
    }
    fn serialize_tuple(self, length: usize) -> Result<Parts<'h>, Failed> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Parts<'h>, Failed> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_variant(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Parts<'h>, Failed> {
        self.text(b'v', variant);
        self.serialize_seq(Some(length))
    }
    fn serialize_map(mut self, length: Option<usize>) -> Result<Parts<'h>, Failed> {
        self.tag(b'm', length.unwrap_or(0));
        Ok(Parts { out: self.out })
    }
    fn serialize_struct(mut self, _: &'static str, _: usize) -> Result<Parts<'h>, Failed> {
        self.tag(b'r', 0);
        Ok(Parts { out: self.out })
    }
    fn serialize_struct_variant(
        mut self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Parts<'h>, Failed> {
        self.text(b'v', variant);
        self.serialize_struct(name, length)
    }
}

/// The parts of a list, map or struct.
struct Parts<'h> {
    out: &'h mut Vec<u8>,
}

impl Parts<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(Canonical { out: self.out })
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        if LEFT_OUT.contains(&key) {
            return Ok(());
        }
        Canonical { out: self.out }.text(b'f', key);
        self.part(value)
    }

    fn close(self) {
        self.out.extend_from_slice(b".");
    }
}

impl ser::SerializeSeq for Parts<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.part(value)
    }
    fn end(self) -> Done {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTuple for Parts<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.part(value)
    }
    fn end(self) -> Done {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTupleStruct for Parts<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.part(value)
    }
    fn end(self) -> Done {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTupleVariant for Parts<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.part(value)
    }
    fn end(self) -> Done {
        self.close();
        Ok(())
    }
}

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.part(key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.part(value)
    }
    fn end(self) -> Done {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        self.field(key, value)
    }
    fn end(self) -> Done {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStructVariant for Parts<'_> {
    type Ok = ();
    type Error = Failed;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        self.field(key, value)
    }
    fn end(self) -> Done {
        self.close();
        Ok(())
    }
}
