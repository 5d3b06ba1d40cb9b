//! A gzip bomb, made by hand: what a compressor is needed for is only to be small.

/// `size` zeros as gzip (RFC 1952): one fixed-Huffman block (RFC 1951, 3.2.6), a zero and then
/// "the last byte 258 times more", at 13 bits each. About 160 to 1.
pub(crate) fn zeros(size: u32) -> Vec<u8> {
    let mut bits = Bits { bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], filled: 8 };
    bits.put(0b1, 1); // the last block
    bits.put(0b10, 2); // fixed codes, the low bit first
    bits.put(0b0011_0000, 8); // the byte 0
    let repeats = size.saturating_sub(1) / 258;
    for _ in 0..repeats {
        bits.put(0b1100_0101, 8); // length 258
        bits.put(0b00000, 5); // distance 1
    }
    for _ in 0..size.saturating_sub(1 + repeats * 258) {
        bits.put(0b0011_0000, 8);
    }
    bits.put(0b000_0000, 7); // the end
    let mut bytes = bits.bytes;
    bytes.extend(crc_of_zeros(size).to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes
}

struct Bits {
    bytes: Vec<u8>,
    filled: u32,
}

impl Bits {
    /// Huffman codes go in from their highest bit.
    fn put(&mut self, code: u8, length: u32) {
        for place in (0..length).rev() {
            if self.filled == 8 {
                self.bytes.push(0);
                self.filled = 0;
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((code >> place) & 1) << self.filled;
            }
            self.filled += 1;
        }
    }
}

fn crc_of_zeros(size: u32) -> u32 {
    let mut crc = u32::MAX;
    for _ in 0..size {
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    #[test]
    fn a_decompressor_makes_it_what_it_was() {
        for size in [1, 2, 259, 1000, 100_000] {
            let mut out = Vec::new();
            let bomb = super::zeros(size);
            flate2::read::GzDecoder::new(bomb.as_slice()).read_to_end(&mut out).unwrap();
            assert_eq!(out, vec![0; size as usize]);
        }
    }
}
