//! Which of a cluster's 16 384 slots a key lies in.

/// The slot of a key without a hash tag (`{…}`): there is none in base64url, and a prefix has none.
///
/// See [the cluster specification](https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model).
pub(super) fn slot(key: &[u8]) -> u16 {
    crc16(key) % 16_384
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        // `CLUSTER KEYSLOT somekey`, from its documentation.
        assert_eq!(slot(b"somekey"), 11_058);
        assert_eq!(slot(b""), 0);
    }
}
