use std::fmt;
use std::time::Duration;

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::InvalidValue;
use crate::invalid_value::shape_of;

/// Western Indonesia Time: UTC+07:00, no summer time.
const WIB: Offset = jiff::tz::offset(7);

/// An instant with millisecond precision.
///
/// Printed, serialised and split into days in WIB (UTC+07:00), whatever zone the machine is in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, milliseconds cut off.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads RFC 3339 with any offset, with or without a fraction (`2022-01-18T13:50:04+07:00`, `2024-05-21T04:54:18.788451Z`).
    pub fn parse_rfc3339(text: &str) -> Result<Self, InvalidValue> {
        text.trim()
            .parse::<jiff::Timestamp>()
            .map(|instant| Self(instant.as_millisecond()))
            .map_err(|_| InvalidValue::new("timestamp", shape_of(text), "RFC 3339, such as 2022-01-18T13:50:04+07:00"))
    }

    /// Reads a time without a zone as WIB: `2022-10-07 15:08:57`, with or without a fraction, `T` allowed for the blank.
    pub fn parse_wib(text: &str) -> Result<Self, InvalidValue> {
        text.trim()
            .parse::<civil::DateTime>()
            .ok()
            .and_then(|time| WIB.to_timestamp(time).ok())
            .map(|instant| Self(instant.as_millisecond()))
            .ok_or_else(|| InvalidValue::new("time", shape_of(text), "yyyy-MM-dd HH:mm:ss in WIB"))
    }

    /// Reads the `Date` header of an HTTP reply (`Sun, 06 Nov 1994 08:49:37 GMT`).
    pub fn parse_http_date(text: &str) -> Option<Self> {
        jiff::fmt::rfc2822::parse(text).ok().map(|zoned| Self(zoned.timestamp().as_millisecond()))
    }

    /// `2022-01-18T13:50:04+07:00`; milliseconds are cut off, never rounded.
    pub fn to_wib_seconds(self) -> String {
        format!("{}+07:00", self.civil(WIB).strftime("%Y-%m-%dT%H:%M:%S"))
    }

    /// `2022-01-18T13:50:04.123+07:00`.
    pub fn to_wib_millis(self) -> String {
        let time = self.civil(WIB).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        format!("{time}.{:03}+07:00", self.0.rem_euclid(1000))
    }

    /// `2022-01-18T06:50:04`: UTC, without zone and fraction.
    pub fn to_utc_unzoned(self) -> String {
        self.civil(Offset::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }

    /// The WIB calendar day that this instant lies in.
    pub fn wib_day(self) -> WibDay {
        WibDay(self.civil(WIB).date())
    }

    /// The time that has passed since WIB midnight.
    pub fn wib_time_of_day(self) -> Duration {
        let time = self.civil(WIB).time();
        let seconds = u64::from(time.hour().unsigned_abs()) * 3600
            + u64::from(time.minute().unsigned_abs()) * 60
            + u64::from(time.second().unsigned_abs());
        Duration::new(seconds, time.subsec_nanosecond().unsigned_abs())
    }

    /// This instant moved into the future.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }

    /// This instant moved into the past.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(millis(time)))
    }

    /// The time from `earlier` to this instant; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn civil(self, offset: Offset) -> civil::DateTime {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        });
        offset.to_datetime(instant)
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// `2022-01-18T13:50:04.123+07:00`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_wib_millis())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).map_err(serde::de::Error::custom)
    }
}

/// A calendar day in WIB, as daily rules and history queries count them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WibDay(civil::Date);

impl WibDay {
    /// Reads `yyyy-MM-dd`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        text.trim().parse::<civil::Date>().map(Self).map_err(|_| InvalidValue::new("day", shape_of(text), "yyyy-MM-dd"))
    }

    /// Reads `dd-MM-yyyy`.
    pub fn parse_dmy(text: &str) -> Result<Self, InvalidValue> {
        civil::Date::strptime("%d-%m-%Y", text.trim())
            .map(Self)
            .map_err(|_| InvalidValue::new("day", shape_of(text), "dd-MM-yyyy"))
    }

    /// `dd-MM-yyyy`.
    pub fn to_dmy(self) -> String {
        self.0.strftime("%d-%m-%Y").to_string()
    }

    /// `yyMMdd`.
    pub fn to_compact(self) -> String {
        self.0.strftime("%y%m%d").to_string()
    }

    /// The instant at which this day begins.
    pub fn start(self) -> Timestamp {
        TimeZone::fixed(WIB)
            .to_timestamp(self.0.to_datetime(civil::Time::midnight()))
            .map_or(Timestamp(i64::MAX), |instant| Timestamp(instant.as_millisecond()))
    }
}

/// `yyyy-MM-dd`.
impl fmt::Display for WibDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for WibDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for WibDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WibDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn prints_and_reads_wib() {
        let instant = Timestamp::from_unix_millis(1_642_488_604_987);
        assert_eq!(instant.to_wib_seconds(), "2022-01-18T13:50:04+07:00");
        assert_eq!(instant.to_wib_millis(), "2022-01-18T13:50:04.987+07:00");
        assert_eq!(instant.to_utc_unzoned(), "2022-01-18T06:50:04");
        assert_eq!(Timestamp::parse_rfc3339(&instant.to_string()).unwrap(), instant);
        assert_eq!(
            Timestamp::parse_rfc3339("2024-05-21T04:54:18.788451Z").unwrap().to_wib_millis(),
            "2024-05-21T11:54:18.788+07:00"
        );
        assert_eq!(
            Timestamp::parse_wib("2022-10-07 15:08:57.000").unwrap().to_wib_seconds(),
            "2022-10-07T15:08:57+07:00"
        );
        assert_eq!(Timestamp::parse_wib("2023-01-02 11:07:41").unwrap().to_wib_seconds(), "2023-01-02T11:07:41+07:00");
    }

    #[test]
    fn the_day_turns_at_wib_midnight() {
        let before = Timestamp::parse_rfc3339("2025-12-31T16:59:59.999Z").unwrap();
        let after = Timestamp::parse_rfc3339("2025-12-31T17:00:00Z").unwrap();
        assert_eq!(before.wib_day().to_string(), "2025-12-31");
        assert_eq!(after.wib_day().to_string(), "2026-01-01");
        assert_eq!(after.wib_day().to_dmy(), "01-01-2026");
        assert_eq!(after.wib_day().start(), after);
        assert_eq!(after.wib_time_of_day(), Duration::ZERO);
        assert_eq!(before.wib_time_of_day(), Duration::from_millis(86_399_999));
        assert_eq!(WibDay::parse_dmy("01-01-2026").unwrap(), after.wib_day());
    }

    #[test]
    fn reads_the_date_header() {
        let date = Timestamp::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.unix_seconds(), 784_111_777);
        assert_eq!(Timestamp::parse_http_date("yesterday"), None);
    }

    #[test]
    fn extremes_neither_panic_nor_wrap() {
        for extreme in [i64::MIN, i64::MAX] {
            let instant = Timestamp::from_unix_millis(extreme);
            let _ = (
                instant.to_wib_millis(),
                instant.to_wib_seconds(),
                instant.wib_day().start(),
                instant.wib_time_of_day(),
            );
            assert_eq!(Timestamp::from_unix_millis(i64::MAX).after(Duration::from_secs(1)).unix_millis(), i64::MAX);
            assert_eq!(Timestamp::from_unix_millis(i64::MIN).since(instant), Duration::ZERO);
        }
    }
}
