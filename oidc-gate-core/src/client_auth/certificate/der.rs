//! The outer shape of DER: one element, its tag and its content. What certificates say is read elsewhere, by a parser
//! of certificates; this much is needed where there is none.

pub(super) const SEQUENCE: u8 = 0x30;

#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
}

/// The one element that `bytes` are, if its length is written in the one way that DER allows
/// ([X.690 § 10.1](https://www.itu.int/rec/T-REC-X.690)) and nothing follows.
pub(super) fn only(bytes: &[u8]) -> Option<Element<'_>> {
    let (&tag, rest) = bytes.split_first()?;
    // 31 announces a tag of several bytes, which nothing in a name or a certificate has.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    let (length, content) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (digits, content) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit));
            let shortest = if first == 0x81 { 0x80 } else { 0x100 };
            (length >= shortest).then_some((length, content))?
        }
        // An indefinite length is not DER; more than two digits are beyond every limit here.
        _ => return None,
    };
    (content.len() == length).then_some(Element { tag, content })
}

/// Writes an element whose content is short enough for [`only`] to read.
pub(super) fn write(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    let [high, low] = u16::try_from(content.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    out.push(tag);
    match (high, low) {
        (0, 0..=0x7f) => out.push(low),
        (0, _) => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    out.extend(content);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_length_has_one_spelling() {
        assert_eq!(only(&[0x04, 2, 1, 2]).unwrap().content, [1, 2]);
        for other in [
            &[][..],
            &[0x04],
            &[0x04, 2, 1],
            &[0x04, 2, 1, 2, 3],
            &[0x04, 0x80, 1, 2, 0, 0],
            &[0x04, 0x81, 2, 1, 2],
            &[0x04, 0x82, 0, 2, 1, 2],
            &[0x04, 0x83, 0, 0, 2, 1, 2],
            &[0x1f, 2, 1, 2],
        ] {
            assert!(only(other).is_none(), "{other:x?}");
        }
        let long = [&[0x04, 0x82, 0, 0xff][..], &[0; 255]].concat();
        assert!(only(&long).is_none(), "two digits where one does");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(content in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut out = vec![];
            write(0x0c, &content, &mut out);
            let read = only(&out).unwrap();
            prop_assert_eq!((read.tag, read.content), (0x0c, &*content));
        }
    }
}
