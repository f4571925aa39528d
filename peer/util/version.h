/* version.h -- what all programs of the project say when asked for their version: the version of
 * ipfs-cluster whose behaviour they follow, then who they are. */
#ifndef UTIL_VERSION_H
#define UTIL_VERSION_H

#define VERSION_TEXT "1.1.6+holdfast"
#define VERSION_DATE "2026-11-25" /* when what the programs take last changed */

#endif
