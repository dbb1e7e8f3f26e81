//! An accent that can be read, whatever colour it was asked to be.

use std::fmt;

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour([u8; 3]);

/// The card of the standard style sheet in each of its schemes.
pub(super) const LIGHT_CARD: Colour = Colour([0xff, 0xff, 0xff]);
pub(super) const DARK_CARD: Colour = Colour([0x1a, 0x20, 0x29]);

const BLACK: Colour = Colour([0, 0, 0]);
const WHITE: Colour = Colour([0xff, 0xff, 0xff]);
/// What stands on the accent in the dark scheme.
const NIGHT: Colour = Colour([0x0d, 0x1b, 0x2e]);

/// What text needs against its ground ([WCAG 2.2 § 1.4.3](https://www.w3.org/TR/WCAG22/#contrast-minimum)), and a little for
/// the rounding of colours.
const ENOUGH: f64 = 4.55;

impl Colour {
    /// `#rgb` or `#rrggbb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        let [_, r, g, b] = match digits.len() {
            6 => number,
            3 => {
                let digit = |shift: u32| (number >> shift & 0xf) * 0x11;
                digit(8) << 16 | digit(4) << 8 | digit(0)
            }
            _ => return None,
        }
        .to_be_bytes();
        Some(Self([r, g, b]))
    }

    /// This colour, as much darker or lighter as text of it on `ground` needs to be read.
    pub(super) fn legible_on(self, ground: Self) -> Self {
        let towards = if ground.luminance() > 0.5 {
            BLACK
        } else {
            WHITE
        };
        (0..=100)
            .map(|step| self.mixed(towards, f64::from(step) / 100.0))
            .find(|colour| colour.contrast(ground) >= ENOUGH)
            .unwrap_or(towards)
    }

    /// What can be read on this colour.
    pub(super) fn text(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(NIGHT) {
            WHITE
        } else {
            NIGHT
        }
    }

    /// The ratio of [WCAG 2.2](https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
    pub(super) fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if one > other {
            one / other
        } else {
            other / one
        }
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        };
        let [r, g, b] = self.0.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two channels of eight bits"
    )]
    fn mixed(self, other: Self, share: f64) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        let mix = |one: u8, other: u8| {
            (f64::from(one) + (f64::from(other) - f64::from(one)) * share).round() as u8
        };
        Self([mix(a, x), mix(b, y), mix(c, z)])
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_colour_is_read_in_two_forms_and_in_no_other() {
        for (text, read) in [
            ("#0a7", Some("#00aa77")),
            ("#1F5fbf", Some("#1f5fbf")),
            ("0a7", None),
            ("#0a7f", None),
            ("#+a7", None),
            ("#0a7;}", None),
            ("#", None),
            ("red", None),
        ] {
            let colour = Colour::parse(text).map(|colour| colour.to_string());
            assert_eq!(colour.as_deref(), read, "{text}");
        }
    }

    #[test]
    fn the_ratio_is_that_of_the_guidelines() {
        let ratio = |one: &str, other: &str| {
            let ratio = Colour::parse(one)
                .unwrap()
                .contrast(Colour::parse(other).unwrap());
            format!("{ratio:.2}")
        };
        assert_eq!(ratio("#000", "#fff"), "21.00");
        assert_eq!(ratio("#777", "#fff"), "4.48");
        assert_eq!(ratio("#767676", "#fff"), "4.54");
        assert_eq!(ratio("#fff", "#fff"), "1.00");
    }

    #[test]
    fn the_cards_are_those_of_the_style_sheet() {
        for card in [LIGHT_CARD, DARK_CARD] {
            assert!(
                crate::html::STYLE.contains(&format!("--card: {card};")),
                "{card}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_accent_can_be_read_and_so_can_what_stands_on_it(r: u8, g: u8, b: u8) {
            for card in [LIGHT_CARD, DARK_CARD] {
                let accent = Colour([r, g, b]).legible_on(card);
                prop_assert!(accent.contrast(card) >= 4.5, "{accent} on {card}");
                prop_assert!(accent.contrast(accent.text()) >= 4.5, "on {accent}");
            }
        }
    }

    #[test]
    fn an_accent_that_can_be_read_stays_as_it_is() {
        let blue = Colour::parse("#1f5fbf").unwrap();
        assert_eq!(blue.legible_on(LIGHT_CARD), blue);
        assert_ne!(blue.legible_on(DARK_CARD), blue);
    }
}
