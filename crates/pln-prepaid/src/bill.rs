//! What `billDesc` tells: JSON inside a JSON string, different for every kind of product.
//!
//! Source: MyBills documentation, PLN Prepaid (sample responses) and PDAM.

use std::collections::BTreeMap;
use std::fmt;

use biller_core::{InvalidValue, Kwh, MeterNumber, RawJson, Rupiah, StroomToken, decode};
use serde::Deserialize;

/// The description of what was asked for or bought.
///
/// A description that cannot be read is kept as its text and is no error by itself.
#[derive(Clone)]
#[non_exhaustive]
pub enum BillDescription {
    /// Prepaid electricity.
    Electricity(Box<ElectricityReceipt>),
    /// Any other object, as it came: e-wallets, pulsa, data, water.
    Other(RawJson),
    /// A text that is no JSON object.
    Text(String),
}

impl BillDescription {
    /// Reads the value of `billDesc`: a string that holds JSON, an object, or nothing (absent, `null`, an empty string).
    ///
    /// ```
    /// use biller_core::RawJson;
    /// use pln_prepaid::BillDescription;
    ///
    /// let bill_desc = RawJson::from_slice(br#""{\"nomorMeter\":\"45052452799\",\" noRef\":\"0UAK\",\"jumlahKwh\":\"13,50\"}""#)?;
    /// let bill = BillDescription::read(&bill_desc);
    /// let receipt = bill.as_ref().and_then(BillDescription::electricity).expect("electricity");
    /// assert_eq!(receipt.energy.as_ref().and_then(|kwh| kwh.value).map(|kwh| kwh.hundredths()), Some(1350));
    /// # Ok::<(), biller_core::decode::DecodeError>(())
    /// ```
    pub fn read(value: &RawJson) -> Option<Self> {
        let text = match value.parse::<String>() {
            Ok(text) if text.trim().is_empty() => return None,
            Ok(text) => text,
            Err(_) if value.as_str() == "null" => return None,
            Err(_) => value.as_str().to_owned(),
        };
        let object = RawJson::from_slice(text.as_bytes()).ok().filter(|object| object.as_str().starts_with('{'));
        let Some(object) = object else { return Some(Self::Text(text)) };
        Some(match ElectricityReceipt::read(&object) {
            Some(receipt) => Self::Electricity(Box::new(receipt)),
            None => Self::Other(object),
        })
    }

    /// The receipt, where it is about prepaid electricity.
    pub fn electricity(&self) -> Option<&ElectricityReceipt> {
        match self {
            Self::Electricity(receipt) => Some(receipt),
            Self::Other(_) | Self::Text(_) => None,
        }
    }

    /// The object as it came, for every kind of product.
    pub fn object(&self) -> Option<&RawJson> {
        match self {
            Self::Electricity(receipt) => Some(&receipt.raw),
            Self::Other(object) => Some(object),
            Self::Text(_) => None,
        }
    }

    /// The bill, where it is about water: an object with `desc`.
    pub fn water(&self) -> Option<WaterBill> {
        match self {
            Self::Other(object) => WaterBill::read(object),
            Self::Electricity(_) | Self::Text(_) => None,
        }
    }

    /// The customer's name, which every kind of description has.
    pub fn customer_name(&self) -> Option<String> {
        self.object().and_then(|object| members(object).remove("customername")).filter(|name| !name.is_empty())
    }
}

/// It can hold a token: only the kind is shown.
impl fmt::Debug for BillDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Electricity(receipt) => receipt.fmt(f),
            Self::Other(object) => write!(f, "Other({object:?})"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

/// A value as it was printed, and as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed<T> {
    /// The provider's text.
    pub text: String,
    /// Its meaning; `None` where the text is not of the documented form.
    pub value: Option<T>,
}

impl<T> Printed<T> {
    fn read(text: String, parse: fn(&str) -> Result<T, InvalidValue>) -> Self {
        Self { value: parse(&text).ok(), text }
    }
}

/// The receipt of prepaid electricity. Every field is optional: an inquiry knows the customer only.
///
/// `customer_number` and `meter_number` differ from the number that was asked for, and from each other between inquiry and payment, in
/// the documents' own samples; neither decides anything.
#[derive(Clone)]
#[non_exhaustive]
pub struct ElectricityReceipt {
    /// Who it is for (`customerName`).
    pub customer_name: Option<String>,
    /// IDPEL (`idPelanggan`), 12 digits.
    pub customer_number: Option<Printed<MeterNumber>>,
    /// Meter number (`nomorMeter`), 11 digits.
    pub meter_number: Option<Printed<MeterNumber>>,
    /// Tariff class and power (`tarifDaya`).
    pub tariff_power: Option<TariffPower>,
    /// PLN's reference (`noRef`).
    pub reference: Option<String>,
    /// Energy bought (`jumlahKwh`).
    pub energy: Option<Printed<Kwh>>,
    /// The token to type into the meter (`stroomToken`); `None` as well where the text is no token, because wrong entries can lock
    /// a meter.
    pub stroom_token: Option<StroomToken>,
    /// Rupiah that became energy (`rpStroomToken`).
    pub energy_cost: Option<Printed<Rupiah>>,
    /// Street-light tax (`ppj`).
    pub street_light_tax: Option<Printed<Rupiah>>,
    /// Value added tax (`ppn`).
    pub vat: Option<Printed<Rupiah>>,
    /// Instalment of a debt to PLN (`angsuran`).
    pub instalment: Option<Printed<Rupiah>>,
    /// Stamp duty (`materai`).
    pub stamp_duty: Option<Printed<Rupiah>>,
    /// The whole description, unknown members included.
    pub raw: RawJson,
}

/// The members that show that a description is about electricity.
const ELECTRICITY: [&str; 9] =
    ["idpelanggan", "nomormeter", "tarifdaya", "noref", "jumlahkwh", "stroomtoken", "rpstroomtoken", "ppj", "angsuran"];

impl ElectricityReceipt {
    /// Reads an object that has members of such a receipt. Their names are trimmed and compared without case.
    pub fn read(object: &RawJson) -> Option<Self> {
        let mut members = members(object);
        if !ELECTRICITY.iter().any(|name| members.contains_key(*name)) {
            return None;
        }
        let mut take = |name: &str| members.remove(name).filter(|text| !text.trim().is_empty());
        let mut rupiah = |name: &str| take(name).map(|text| Printed::read(text, Rupiah::parse_human));
        let energy_cost = rupiah("rpstroomtoken");
        let street_light_tax = rupiah("ppj");
        let vat = rupiah("ppn");
        let instalment = rupiah("angsuran");
        let stamp_duty = rupiah("materai");
        Some(Self {
            customer_name: take("customername"),
            customer_number: take("idpelanggan").map(|text| Printed::read(text, MeterNumber::parse)),
            meter_number: take("nomormeter").map(|text| Printed::read(text, MeterNumber::parse)),
            tariff_power: take("tarifdaya").map(TariffPower),
            reference: take("noref"),
            energy: take("jumlahkwh").map(|text| Printed::read(text, Kwh::parse)),
            stroom_token: take("stroomtoken").and_then(|text| StroomToken::parse(&text).ok()),
            energy_cost,
            street_light_tax,
            vat,
            instalment,
            stamp_duty,
            raw: object.clone(),
        })
    }

    /// What the parts add up to: energy, street-light tax, VAT, instalment and stamp duty. That is the token's denomination; the price
    /// that the partner pays is another one. `None` unless every part is there and in whole rupiah.
    pub fn sum(&self) -> Option<Rupiah> {
        [&self.energy_cost, &self.street_light_tax, &self.vat, &self.instalment, &self.stamp_duty]
            .into_iter()
            .try_fold(Rupiah::ZERO, |sum, part| sum.checked_add(part.as_ref()?.value?))
    }

    /// What is odd about it, in one line each without secrets; nothing of it makes the purchase fail. `denomination` is what was
    /// bought, where the caller knows it.
    pub fn warnings(&self, denomination: Option<Rupiah>) -> Vec<String> {
        let mut warnings = Vec::new();
        if let (Some(sum), Some(denomination)) = (self.sum(), denomination)
            && sum != denomination
        {
            warnings.push(format!("the parts add up to {sum} instead of {denomination}"));
        }
        if let Some(token) = &self.stroom_token {
            if token.is_out_of_range() {
                warnings.push("the token is a number that no meter reads".to_owned());
            } else if !token.is_credit_class() {
                warnings.push("the token is not of the class that adds credit".to_owned());
            }
        }
        warnings
    }
}

impl fmt::Debug for ElectricityReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ElectricityReceipt")
            .field("tariff_power", &self.tariff_power)
            .field("energy", &self.energy)
            .field("energy_cost", &self.energy_cost)
            .field("stroom_token", &self.stroom_token)
            .finish_non_exhaustive()
    }
}

/// Tariff class and power, such as `R1M/900VA` or `R1 /1300 VA`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TariffPower(String);

impl TariffPower {
    /// The provider's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tariff class, such as `R1M`: what stands before the first `/`, where there is one.
    pub fn tariff(&self) -> Option<&str> {
        self.0.split_once('/').map(|(tariff, _)| tariff.trim())
    }

    /// The power, such as `900VA`: what stands after the first `/`, where there is one.
    pub fn power(&self) -> Option<&str> {
        self.0.split_once('/').map(|(_, power)| power.trim())
    }
}

/// A water bill (PDAM). Every field is optional; amounts are digits, in whole rupiah, with leading zeros allowed.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct WaterBill {
    /// The customer's address.
    #[serde(deserialize_with = "decode::text")]
    pub alamat: Option<String>,
    /// When it is due.
    #[serde(deserialize_with = "decode::text")]
    pub jatuh_tempo: Option<String>,
    /// The number of bills.
    #[serde(deserialize_with = "decode::integer_or_absent")]
    pub lembar_tagihan: Option<i64>,
    /// Tariff class.
    #[serde(deserialize_with = "decode::text")]
    pub tarif: Option<String>,
    /// The months, in the provider's order.
    #[serde(skip)]
    pub detail: Vec<WaterMonth>,
}

/// One month of a water bill.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct WaterMonth {
    /// The month, `yyyyMM`.
    #[serde(deserialize_with = "decode::text")]
    pub periode: Option<String>,
    /// What the month costs.
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    pub nilai_tagihan: Option<Rupiah>,
    /// Penalty.
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    pub denda: Option<Rupiah>,
    /// Other costs.
    #[serde(deserialize_with = "decode::rupiah_or_absent")]
    pub biaya_lain: Option<Rupiah>,
    /// The meter at the beginning.
    #[serde(deserialize_with = "decode::text")]
    pub meter_awal: Option<String>,
    /// The meter at the end.
    #[serde(deserialize_with = "decode::text")]
    pub meter_akhir: Option<String>,
    /// Arrears and penalty: `tuggakanDanDenda` in samples, `tunggakanDanDenda` in tables.
    #[serde(skip)]
    pub tunggakan_dan_denda: Option<Rupiah>,
}

impl WaterBill {
    fn read(object: &RawJson) -> Option<Self> {
        let desc = object.get("desc").filter(|desc| desc.as_str().starts_with('{'))?;
        let mut bill: Self = desc.parse().ok()?;
        let months: Vec<RawJson> = desc.get("detail").and_then(|detail| detail.parse().ok()).unwrap_or_default();
        bill.detail = months.iter().filter_map(WaterMonth::read).collect();
        Some(bill)
    }
}

impl WaterMonth {
    fn read(object: &RawJson) -> Option<Self> {
        let mut month: Self = object.as_str().starts_with('{').then(|| object.parse().ok())??;
        let additional = object.get("additionalDetail").map(|object| members(&object)).unwrap_or_default();
        let arrears = ["tuggakandandenda", "tunggakandandenda"].into_iter().find_map(|name| additional.get(name));
        month.tunggakan_dan_denda = arrears.and_then(|text| Rupiah::parse_machine(text).ok());
        Some(month)
    }
}

impl fmt::Debug for WaterBill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaterBill").field("lembar_tagihan", &self.lembar_tagihan).finish_non_exhaustive()
    }
}

impl fmt::Debug for WaterMonth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaterMonth")
            .field("periode", &self.periode)
            .field("nilai_tagihan", &self.nilai_tagihan)
            .field("denda", &self.denda)
            .finish_non_exhaustive()
    }
}

/// The members that are texts or numbers, by trimmed lower-case name; of a repeated name the last counts.
fn members(object: &RawJson) -> BTreeMap<String, String> {
    let text = |value: &RawJson| match value.parse::<String>() {
        Ok(text) => Some(text),
        Err(_) => {
            value.as_str().starts_with(|c: char| c == '-' || c.is_ascii_digit()).then(|| value.as_str().to_owned())
        }
    };
    object.members().into_iter().filter_map(|(name, value)| Some((name.trim().to_lowercase(), text(&value)?))).collect()
}
