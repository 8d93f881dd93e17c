//! Bytes that bird keeps compressed in its tables.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// Compresses bytes. What bird keeps is small and often written, so the fastest way is good enough.
pub fn pack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Why bytes cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    Malformed,
    TooLong,
}

/// Unpacks bytes that people may have edited. Never more than `longest` bytes are unpacked.
pub fn unpack(bytes: &[u8], longest: usize) -> Result<Vec<u8>, Damage> {
    let mut unpacked = Vec::new();
    let most = u64::try_from(longest.saturating_add(1)).unwrap_or(u64::MAX);
    let mut decoder = ZlibDecoder::new(bytes).take(most);
    decoder
        .read_to_end(&mut unpacked)
        .map_err(|_| Damage::Malformed)?;
    if unpacked.len() > longest {
        return Err(Damage::TooLong);
    }
    Ok(unpacked)
}
