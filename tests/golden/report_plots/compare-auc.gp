# gnuplot compare-auc.gp draws compare-auc.svg, compare-auc.pdf and compare-auc.png in the current folder
reset session
set encoding utf8
$auc << END
0.759991 0.3250 0.747991 0.770791 0072B2
0.731858 0.4950 0.719858 0.742658 D55E00
0.594317 0.6650 0.582317 0.605117 009E73
0.575454 0.8350 0.563454 0.586254 CC79A7
0.591143 1.2450 0.579143 0.601943 0072B2
END
do for [format in "svg pdf png"] {
if (format eq "svg") { set terminal svg noenhanced size 406,179 font "sans-serif,10.7" linewidth 1 background rgb "white" }
if (format eq "pdf") { set terminal pdfcairo noenhanced size 4.233in,1.860in font "sans-serif,8" fontscale 0.77 linewidth 1.4 background rgb "white" }
if (format eq "png") { set terminal pngcairo noenhanced size 914,402 font "sans-serif,8" fontscale 2.250 linewidth 2.5 pointscale 2.5 background rgb "white" }
set output "compare-auc.".format
unset label
unset arrow
set border 3 lw 0.6 lc rgb '#404040'
set tics nomirror scale 0.5 tc rgb '#202020'
set lmargin at screen 0.3906
set rmargin at screen 0.8866
set tmargin at screen 0.9731
set bmargin at screen 0.2258
low = 0.4
set border 1
set xrange [low:1]
set yrange [1.3900:0]
set xtics 0.1 format "%.1f" offset 0,0.4
set xlabel "mean AUC over the classes" offset 0,0.9
unset key
set ytics scale 0 ("clip-tiny / clip-posneg" 0.3250, "clip-tiny / clip-cosine" 0.4950, "vit_b_32 / clip-posneg" 0.6650, "vit_b_32 / clip-cosine" 0.8350, "clip-tiny / clip-posneg" 1.2450)
set label "phantom, test: 1,024 synthetic images" at screen 0.02, first 0.1440 left tc rgb '#404040'
set label "0.760" at graph 1.03, first 0.3250 left
set label "0.732" at graph 1.03, first 0.4950 left
set label "0.594" at graph 1.03, first 0.6650 left
set label "0.575" at graph 1.03, first 0.8350 left
if (0.0 >= low) { set arrow from 0.0, first 0.2400 to 0.0, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.1 >= low) { set arrow from 0.1, first 0.2400 to 0.1, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.2 >= low) { set arrow from 0.2, first 0.2400 to 0.2, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.3 >= low) { set arrow from 0.3, first 0.2400 to 0.3, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.4 >= low) { set arrow from 0.4, first 0.2400 to 0.4, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.5 >= low) { set arrow from 0.5, first 0.2400 to 0.5, first 0.9200 nohead lw 0.8 lc rgb '#404040' front }
if (0.6 >= low) { set arrow from 0.6, first 0.2400 to 0.6, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.7 >= low) { set arrow from 0.7, first 0.2400 to 0.7, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.8 >= low) { set arrow from 0.8, first 0.2400 to 0.8, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.9 >= low) { set arrow from 0.9, first 0.2400 to 0.9, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (1.0 >= low) { set arrow from 1.0, first 0.2400 to 1.0, first 0.9200 nohead lw 0.5 lc rgb '#d8d8d8' back }
set label "odd_set, test: 40 images (a subset)" at screen 0.02, first 1.0640 left tc rgb '#404040'
set label "0.591" at graph 1.03, first 1.2450 left
if (0.0 >= low) { set arrow from 0.0, first 1.1600 to 0.0, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.1 >= low) { set arrow from 0.1, first 1.1600 to 0.1, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.2 >= low) { set arrow from 0.2, first 1.1600 to 0.2, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.3 >= low) { set arrow from 0.3, first 1.1600 to 0.3, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.4 >= low) { set arrow from 0.4, first 1.1600 to 0.4, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.5 >= low) { set arrow from 0.5, first 1.1600 to 0.5, first 1.3300 nohead lw 0.8 lc rgb '#404040' front }
if (0.6 >= low) { set arrow from 0.6, first 1.1600 to 0.6, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.7 >= low) { set arrow from 0.7, first 1.1600 to 0.7, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.8 >= low) { set arrow from 0.8, first 1.1600 to 0.8, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (0.9 >= low) { set arrow from 0.9, first 1.1600 to 0.9, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
if (1.0 >= low) { set arrow from 1.0, first 1.1600 to 1.0, first 1.3300 nohead lw 0.5 lc rgb '#d8d8d8' back }
set style fill solid 1 noborder
colour(text) = int("0x".text)
plot $auc using 1:2:($1 < 0.5 ? $1 : 0.5):($1 < 0.5 ? 0.5 : $1):($2 - 0.0561):($2 + 0.0561):(colour(strcol(5))) with boxxyerror lc rgb variable notitle, $auc using 1:2:3:4 with xerrorbars lc rgb '#202020' lw 0.8 pt 7 ps 0.2 notitle
unset output
}
