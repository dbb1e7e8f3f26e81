//! Times in tokens.

use crate::time::UnixTime;
use serde_json::{Number, Value};

/// A `NumericDate`, which may have a fraction. Times here are whole seconds, so which way it is rounded depends on the
/// question: compared with a whole second, `x < now` is `floor(x) < now`, and `x > now` is `ceil(x) > now`.
#[derive(Clone, Copy)]
pub(crate) struct NumericDate {
    pub(crate) rounded_down: UnixTime,
    pub(crate) rounded_up: UnixTime,
}

impl NumericDate {
    pub(crate) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::of(number),
            _ => None,
        }
    }

    pub(crate) fn of(number: &Number) -> Option<Self> {
        if let Some(whole) = number.as_u64() {
            let time = UnixTime::from_secs(whole);
            return Some(Self {
                rounded_down: time,
                rounded_up: time,
            });
        }
        // The casts stop at both ends of the range; what lies before the epoch is the epoch.
        let time = number.as_f64().filter(|secs| secs.is_finite())?;
        Some(Self {
            rounded_down: UnixTime::from_secs(time.floor() as u64),
            rounded_up: UnixTime::from_secs(time.ceil() as u64),
        })
    }
}
