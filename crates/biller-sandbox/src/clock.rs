//! Time: injected, so that a failing run can be replayed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::{self, Offset};

/// WIB, the zone of every provider: UTC+07:00, without summer time.
const WIB: Offset = tz::offset(7);

/// Where the sandbox takes the time from.
///
/// A closure returning a [`SystemTime`] is a clock.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> SystemTime;
}

impl<F: Fn() -> SystemTime + Send + Sync> Clock for F {
    fn now(&self) -> SystemTime {
        self()
    }
}

/// The machine's clock; the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that stands still until it is moved. Clones share the same time.
///
/// ```
/// use std::time::Duration;
/// use biller_sandbox::{Clock, ManualClock};
///
/// let clock = ManualClock::at_unix(1_707_276_515);
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.now(), std::time::UNIX_EPOCH + Duration::from_secs(1_707_276_517));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<SystemTime>>);

impl ManualClock {
    /// A clock that shows the given number of seconds since 1970-01-01T00:00:00Z.
    pub fn at_unix(seconds: u64) -> Self {
        Self(Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clock's reading; a time that no calendar holds becomes the epoch.
pub(crate) fn reading(clock: &dyn Clock) -> Timestamp {
    Timestamp::try_from(clock.now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `at` plus `by`, or the end of the calendar.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The civil time in WIB.
pub(crate) fn wib(at: Timestamp) -> jiff::civil::DateTime {
    WIB.to_datetime(at)
}

/// RFC 3339 at +07:00 with milliseconds.
pub(crate) fn rfc3339_wib(at: Timestamp) -> String {
    let printer = DateTimePrinter::new().precision(Some(3));
    printer.timestamp_with_offset_to_string(&at, WIB)
}

/// Reads an RFC 3339 time: any offset, any fraction, `T` and `Z` in either case, nothing left out.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let (date_time, rest) = bytes.split_at_checked(19)?;
    let shape = date_time.iter().enumerate().all(|(i, byte)| match i {
        4 | 7 => *byte == b'-',
        10 => byte.eq_ignore_ascii_case(&b'T'),
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let zone = match rest.split_first() {
        Some((b'.', fraction)) => {
            let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if length == 0 || length > 9 {
                return None;
            }
            &fraction[length..]
        }
        _ => rest,
    };
    let zone_fits = match zone {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => digits(&[*h1, *h2, *m1, *m2]),
        _ => false,
    };
    (shape && zone_fits).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn prints_wib_with_milliseconds() {
        let at = Timestamp::from_millisecond(1_707_276_515_042).unwrap();
        assert_eq!(rfc3339_wib(at), "2024-02-07T10:28:35.042+07:00");
        assert_eq!(wib(at).to_string(), "2024-02-07T10:28:35.042");
    }

    #[test]
    fn reads_rfc3339_and_nothing_else() {
        let at = Timestamp::from_second(1_707_276_515).ok();
        for text in [
            "2024-02-07T10:28:35+07:00",
            "2024-02-07T10:28:35.000+07:00",
            "2024-02-07T03:28:35Z",
            "2024-02-07t03:28:35.000000000z",
            "2024-02-06T22:28:35-05:00",
        ] {
            assert_eq!(parse_rfc3339(text), at, "{text}");
        }
        for text in [
            "",
            "2024-02-07T10:28:35",
            "2024-02-07T10:28:35+07:0",
            "2024-02-07T10:28:35+0700",
            "2024-02-07 10:28:35+07:00",
            "2024-02-07T10:28:35.+07:00",
            "2024-02-07T10:28:35.1234567890Z",
            "024-02-07T10:28:35+07:00",
            "2024-13-07T10:28:35+07:00",
            "2024-02-07T10:28:35+07:00[Asia/Jakarta]",
            "2024-02-07T10:28:3５+07:00",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }
}
