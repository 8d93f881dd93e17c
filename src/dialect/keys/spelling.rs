//! [`Spelling`]: how a key is written as a SQL literal.

use uuid::Uuid;

use crate::dialect::Dialect;
use crate::model::key::{double_of, number};

/// How a key is written in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// Bytes.
    Bytes,
    /// A UUID of 36 characters, in small letters.
    Uuid,
    /// A UUID in every form that is read as one, in small letters.
    Forms,
    /// The 32 digits of a UUID, in small letters.
    Hex,
    /// A whole number, where it lies between these.
    Whole {
        low: i128,
        high: i128,
    },
    /// A whole number as characters, without the zeros that lead it.
    Digits,
    Text,
    /// Characters up to the first that is less than a blank: where blanks at the end are nothing,
    /// it stands before the end.
    Padded,
    /// As that, where all of them are ASCII.
    Ascii,
    /// Characters, where all of them are ASCII.
    Plain,
    /// Characters, where one of them is not ASCII, as bytes.
    Beyond,
    /// Characters, in what the server takes for small letters.
    Small,
    /// A decimal number.
    Decimal,
    /// A floating-point number.
    Double,
    /// There is no way to write it.
    Never,
}

/// Any whole number.
pub const WHOLE: Spelling = Spelling::Whole {
    low: i128::MIN,
    high: i128::MAX,
};

impl Spelling {
    /// Whole numbers of so many bits.
    pub fn bits(bits: u32, signed: bool) -> Spelling {
        let all = 1_i128 << bits;
        if signed {
            Spelling::Whole {
                low: -(all / 2),
                high: all / 2 - 1,
            }
        } else {
            Spelling::Whole {
                low: 0,
                high: all - 1,
            }
        }
    }

    /// The literals for canonical bytes: none where a column that is asked in this way can hold
    /// no such value.
    pub fn write(self, dialect: &dyn Dialect, canonical: &[u8]) -> Vec<String> {
        match self {
            Spelling::Forms => Uuid::from_slice(canonical).map_or_else(
                |_| Vec::new(),
                |id| {
                    let forms = [
                        id.hyphenated().to_string(),
                        id.simple().to_string(),
                        id.braced().to_string(),
                        id.urn().to_string(),
                    ];
                    let literals = forms.iter().filter_map(|form| dialect.text(form).ok());
                    literals.collect()
                },
            ),
            Spelling::Digits => match number(canonical) {
                None => Vec::new(),
                Some(0) => vec!["''".to_owned(), "'-'".to_owned()],
                Some(number) => vec![format!("'{number}'")],
            },
            Spelling::Small => {
                let texts = Spelling::Text.write(dialect, canonical).into_iter();
                texts.map(|text| format!("LOWER({text})")).collect()
            }
            Spelling::Plain if !canonical.is_ascii() => Vec::new(),
            Spelling::Text | Spelling::Plain => {
                let text = std::str::from_utf8(canonical).ok();
                text.and_then(|text| dialect.text(text).ok())
                    .into_iter()
                    .collect()
            }
            one => one.one(dialect, canonical).into_iter().collect(),
        }
    }

    /// The literal that stands for canonical bytes in the order of a column. Where an engine can
    /// hold only the beginning of a text, nothing that it holds lies between the two.
    pub fn one(self, dialect: &dyn Dialect, canonical: &[u8]) -> Option<String> {
        let id = || Uuid::from_slice(canonical).ok();
        let text = || std::str::from_utf8(canonical).ok();
        match self {
            Spelling::Bytes => Some(dialect.bytes(canonical)),
            Spelling::Uuid | Spelling::Forms => dialect.text(&id()?.to_string()).ok(),
            Spelling::Hex => dialect.text(&id()?.simple().to_string()).ok(),
            Spelling::Whole { low, high } => {
                let number = number(canonical)?;
                (low..=high).contains(&number).then(|| number.to_string())
            }
            Spelling::Ascii | Spelling::Plain if !canonical.is_ascii() => None,
            Spelling::Text | Spelling::Plain | Spelling::Padded | Spelling::Ascii => {
                let mut text = text()?;
                if matches!(self, Spelling::Padded | Spelling::Ascii) {
                    text = text.split(|sign| sign < ' ').next().unwrap_or_default();
                }
                let held = dialect.text(text);
                held.or_else(|_| dialect.text(text.split('\0').next().unwrap_or_default()))
                    .ok()
            }
            // As characters, some engines would compare it as a floating-point number.
            Spelling::Decimal => {
                let text = text()?;
                let is_number = text.ends_with(|last: char| last.is_ascii_digit());
                if is_number {
                    Some(text.to_owned())
                } else {
                    dialect.text(text).ok()
                }
            }
            Spelling::Double => {
                let number = double_of(canonical)?;
                dialect.text(&format!("{number:e}")).ok()
            }
            Spelling::Beyond => (!canonical.is_ascii()).then(|| dialect.bytes(canonical)),
            Spelling::Digits | Spelling::Small | Spelling::Never => None,
        }
    }
}
