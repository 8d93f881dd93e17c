//! Bytes as hexadecimal digits, two for each.

/// In small letters, as digests and journals have them.
#[must_use]
pub fn digits(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let digits = halves.filter_map(|half| char::from_digit(half.into(), 16));
    digits.collect()
}

/// In capital letters, as SQL has them.
#[must_use]
pub fn capitals(bytes: &[u8]) -> String {
    digits(bytes).to_ascii_uppercase()
}

/// The bytes that digits stand for, whatever their letters; nothing where they are not pairs of
/// digits.
#[must_use]
pub fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks();
    let half = |digit: u8| char::from(digit).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(half(*high)? << 4 | half(*low)?).ok();
    let bytes = pairs.iter().map(byte);
    if rest.is_empty() {
        bytes.collect()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_bytes_and_bytes_are_digits() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(digits(&[0x00, 0x0F, 0xA0, 0xFF]), "000fa0ff");
        assert_eq!(capitals(&[0x00, 0x0F, 0xA0, 0xFF]), "000FA0FF");
        for text in [digits(&all), capitals(&all)] {
            assert_eq!(bytes(&text).as_ref(), Some(&all));
        }
        for wrong in ["0", "0g", "+1", "0é", "é"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
        assert_eq!(bytes(""), Some(Vec::new()));
    }
}
