//! What a thing is: types, units, quantities, values. No syntax, no places.
//!
//! May use: nothing of ours.

mod pattern;
mod quantity;
mod ty;
mod value;

pub use pattern::{BadPattern, Pattern};
pub use quantity::{
    Bitrate, Bytes, Cores, Duration, Offset, Percent, Rate, UNITS, Unit, UnitOf, decimal_text, parse_decimal,
};
pub use rust_decimal::Decimal;
pub use ty::{Bounds, TargetKind, Type};
pub use value::{Entry, Value};
