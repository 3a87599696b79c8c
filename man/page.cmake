# SPDX-License-Identifier: Apache-2.0
# Makes the man page OUT of PAGE by SCDOC.  Man programs run the preprocessor for tables where the
# first line asks for it, which scdoc does not write.
execute_process(COMMAND ${SCDOC} INPUT_FILE ${PAGE} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
if(text MATCHES "\n\\.TS\n")
  string(PREPEND text "'\\\" t\n")
endif()
file(WRITE ${OUT} "${text}")
