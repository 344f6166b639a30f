# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups that were really restored: what `golive-backup` runs on the repository host. Standard library only."""
