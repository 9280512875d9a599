"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _alert_changes() -> None:
    op.create_table(
        "alert_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("alert", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_changes")),
    )
    op.create_index("ix_alert_changes_store_id", "alert_changes", ["store", "id"], unique=False)


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("first_usable_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("claimed_by", sa.String(length=80), nullable=True),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("store", "visit", name=op.f("uq_alerts_store_visit")),
    )
    op.create_index("ix_alerts_store_state", "alerts", ["store", "state"], unique=False)
    op.create_index(op.f("ix_alerts_subject"), "alerts", ["subject"], unique=False)
    op.create_index("ix_alerts_visit", "alerts", ["visit"], unique=False)


def _consent_head() -> None:
    op.create_table(
        "consent_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_head")),
    )


def _consent_records() -> None:
    op.create_table(
        "consent_records",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_records")),
    )
    op.create_index("ix_consent_records_subject", "consent_records", ["subject"], unique=False)


def _crossings() -> None:
    op.create_table(
        "crossings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("line", sa.String(length=40), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crossings")),
    )
    op.create_index("ix_crossings_store_at", "crossings", ["store", "at"], unique=False)


def _customers() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("interests", sa.JSON(), nullable=False),
        sa.Column("bonuses_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("discount_share", sa.Double(), nullable=False),
        sa.Column("external_ids", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("subject", name=op.f("uq_customers_subject")),
    )
    op.create_index(op.f("ix_customers_store"), "customers", ["store"], unique=False)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_received_at", "events", ["received_at"], unique=False)
    op.create_index("ix_events_visit", "events", ["visit"], unique=False)
    op.create_index("uq_events_session_sequence", "events", ["store", "node", "session", "sequence"], unique=True)


def _gallery_leases() -> None:
    op.create_table(
        "gallery_leases",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "node", "template", name=op.f("pk_gallery_leases")),
    )


def _ingest_marks() -> None:
    op.create_table(
        "ingest_marks",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("high_water", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("above", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("duplicates", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quarantined", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "node", "session", name=op.f("pk_ingest_marks")),
    )


def _labels() -> None:
    op.create_table(
        "labels",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=True),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("x", sa.Double(), nullable=True),
        sa.Column("y", sa.Double(), nullable=True),
        sa.Column("wanted_variant", sa.String(length=10), nullable=True),
        sa.Column("wanted_content", sa.JSON(), nullable=True),
        sa.Column("wanted_public", sa.JSON(), nullable=True),
        sa.Column("wanted_quote", sa.String(length=64), nullable=True),
        sa.Column("wanted_visit", sa.String(length=64), nullable=True),
        sa.Column("wanted_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("glass_variant", sa.String(length=10), nullable=True),
        sa.Column("glass_content", sa.JSON(), nullable=True),
        sa.Column("glass_price", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("confirmed_public", sa.JSON(), nullable=True),
        sa.Column("glass_quote", sa.String(length=64), nullable=True),
        sa.Column("glass_at", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.Column("battery_mv", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("store", "id", name=op.f("pk_labels")),
    )
    op.create_index("ix_labels_store_sku", "labels", ["store", "sku"], unique=False)
    op.create_index("ix_labels_store_zone", "labels", ["store", "zone"], unique=False)


def _machine_tokens() -> None:
    op.create_table(
        "machine_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_machine_tokens")),
    )


def _nodes() -> None:
    op.create_table(
        "nodes",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.JSON(), nullable=True),
        sa.Column("health", sa.JSON(), nullable=True),
        sa.Column("status_at", sa.BigInteger(), nullable=True),
        sa.Column("health_at", sa.BigInteger(), nullable=True),
        sa.Column("trusted_key", sa.String(length=64), nullable=True),
        sa.Column("offered_key", sa.String(length=64), nullable=True),
        sa.Column("command_sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("store", "node", name=op.f("pk_nodes")),
    )


def _occupancy() -> None:
    op.create_table(
        "occupancy",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("camera", sa.String(length=40), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("cell_m", sa.Double(), nullable=False),
        sa.Column("ix", sa.Integer(), nullable=False),
        sa.Column("iy", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occupancy")),
    )
    op.create_index("ix_occupancy_store_minute", "occupancy", ["store", "minute"], unique=False)


def _outgoing_commands() -> None:
    op.create_table(
        "outgoing_commands",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_commands")),
    )
    op.create_index("ix_outgoing_commands_due", "outgoing_commands", ["state", "next_at"], unique=False)
    op.create_index("ix_outgoing_commands_target", "outgoing_commands", ["store", "node", "target"], unique=False)


def _price_ledger() -> None:
    op.create_table(
        "price_ledger",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=True),
        sa.Column("visit", sa.String(length=64), nullable=True),
        sa.Column("quote", sa.String(length=64), nullable=True),
        sa.Column("variant", sa.String(length=10), nullable=False),
        sa.Column("step", sa.String(length=10), nullable=False),
        sa.Column("price", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_ledger")),
    )
    op.create_index("ix_price_ledger_sku_at", "price_ledger", ["store", "sku", "at"], unique=False)


def _products() -> None:
    op.create_table(
        "products",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=True),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("subtitle", sa.JSON(), nullable=False),
        sa.Column("price", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("cost", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("url", sa.String(length=160), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("store", "sku", name=op.f("pk_products")),
    )


def _profile_reads() -> None:
    op.create_table(
        "profile_reads",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader", sa.String(length=100), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_reads")),
    )
    op.create_index("ix_profile_reads_customer", "profile_reads", ["customer"], unique=False)


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=True),
        sa.Column("node", sa.String(length=40), nullable=True),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index("ix_quarantine_store_reason", "quarantine", ["store", "reason"], unique=False)


def _quotes() -> None:
    op.create_table(
        "quotes",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("price", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bonus_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.String(length=100), nullable=False),
        sa.Column("armed_at", sa.BigInteger(), nullable=True),
        sa.Column("shown_until", sa.BigInteger(), nullable=True),
        sa.Column("receipt", sa.String(length=64), nullable=True),
        sa.Column("charged", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
        sa.UniqueConstraint("store", "visit", "sku", name=op.f("uq_quotes_store_visit_sku")),
    )
    op.create_index("ix_quotes_label_armed", "quotes", ["store", "label", "armed_at"], unique=False)


def _redemptions() -> None:
    op.create_table(
        "redemptions",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("receipt", sa.String(length=64), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("quote", sa.String(length=64), nullable=True),
        sa.Column("charged", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("redeemed", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "receipt", "sku", name=op.f("pk_redemptions")),
    )


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_name")),
    )


def _stays() -> None:
    op.create_table(
        "stays",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=True),
        sa.Column("dwell_s", sa.Double(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=False),
        sa.Column("calibrated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stays")),
    )
    op.create_index("ix_stays_store_left", "stays", ["store", "left_at"], unique=False)
    op.create_index("ix_stays_visit", "stays", ["visit"], unique=False)


def _stores() -> None:
    op.create_table(
        "stores",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("timezone", sa.String(length=60), nullable=False),
        sa.Column("layout", sa.JSON(), nullable=False),
        sa.Column("pricing", sa.JSON(), nullable=False),
        sa.Column("disclosures", sa.JSON(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
    )


def _subject_consents() -> None:
    op.create_table(
        "subject_consents",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("identify_withdrawn_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_subject_consents")),
    )


def _templates() -> None:
    op.create_table(
        "templates",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("model_sha256", sa.String(length=64), nullable=False),
        sa.Column("sealed_template", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "store", name=op.f("pk_templates")),
    )
    op.create_index("ix_templates_subject", "templates", ["subject"], unique=False)


def _visit_evidence() -> None:
    op.create_table(
        "visit_evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("margin", sa.Double(), nullable=False),
        sa.Column("first_usable_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_evidence")),
    )
    op.create_index("ix_visit_evidence_visit", "visit_evidence", ["store", "visit"], unique=False)


def _visits() -> None:
    op.create_table(
        "visits",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("x", sa.Double(), nullable=True),
        sa.Column("y", sa.Double(), nullable=True),
        sa.Column("method", sa.String(length=16), nullable=True),
        sa.Column("subject", sa.String(length=64), nullable=True),
        sa.Column("stage", sa.String(length=16), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("identified_at", sa.BigInteger(), nullable=True),
        sa.Column("first_usable_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(length=16), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("store", "id", name=op.f("pk_visits")),
    )
    op.create_index("ix_visits_store_seen", "visits", ["store", "first_seen_at"], unique=False)
    op.create_index("ix_visits_subject", "visits", ["subject"], unique=False)


def _zone_presence() -> None:
    op.create_table(
        "zone_presence",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=True),
        sa.Column("entered_at", sa.BigInteger(), nullable=True),
        sa.Column("dwelled", sa.Boolean(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("touched_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store", "node", "zone", "track", name=op.f("pk_zone_presence")),
    )
    op.create_index("ix_zone_presence_open", "zone_presence", ["store", "zone", "left_at"], unique=False)
    op.create_index(op.f("ix_zone_presence_visit"), "zone_presence", ["visit"], unique=False)


def _customer_login_codes() -> None:
    op.create_table(
        "customer_login_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.id"], name=op.f("fk_customer_login_codes_customer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_customer_login_codes")),
    )


def _customer_sessions() -> None:
    op.create_table(
        "customer_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer"], ["customers.id"], name=op.f("fk_customer_sessions_customer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_customer_sessions")),
    )


def _staff_sessions() -> None:
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name=op.f("fk_staff_sessions_staff"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_sessions")),
    )


_TABLES = (
    _alert_changes,
    _alerts,
    _consent_head,
    _consent_records,
    _crossings,
    _customers,
    _events,
    _gallery_leases,
    _ingest_marks,
    _labels,
    _machine_tokens,
    _nodes,
    _occupancy,
    _outgoing_commands,
    _price_ledger,
    _products,
    _profile_reads,
    _quarantine,
    _quotes,
    _redemptions,
    _staff,
    _stays,
    _stores,
    _subject_consents,
    _templates,
    _visit_evidence,
    _visits,
    _zone_presence,
    _customer_login_codes,
    _customer_sessions,
    _staff_sessions,
)


def upgrade() -> None:
    for create in _TABLES:
        create()


def downgrade() -> None:
    for create in reversed(_TABLES):
        op.drop_table(create.__name__.removeprefix("_"))
